#include "server/auth/audit_chain.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "common/base64.hpp"
#include "common/encoding.hpp"

namespace securelogin::auth {
namespace {

using MacPtr = std::unique_ptr<EVP_MAC, OpenSslFree<EVP_MAC_free>>;

std::string_view characters(std::span<const std::uint8_t> octets)
{
    return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

/// One octet says whether there is a value.
void append_optional(std::string& out, const std::optional<UserId>& user)
{
    out += user ? '\1' : '\0';
    if (user) append_big_endian(out, static_cast<std::uint64_t>(*user));
}

void append_optional(std::string& out, const std::optional<NameKey>& name)
{
    out += name ? '\1' : '\0';
    if (name) out += characters(*name);
}

std::string encode(const AuditMac& previous, std::int64_t id, const AuditRecord& record)
{
    std::string message;
    append_field(message, "record");
    message += characters(previous);
    append_big_endian(message, static_cast<std::uint64_t>(id));
    append_big_endian(message, static_cast<std::uint64_t>(record.at.time_since_epoch().count()));
    append_field(message, record.event);
    append_field(message, record.outcome);
    append_field(message, record.reason);
    append_optional(message, record.user);
    append_optional(message, record.name);
    append_field(message, record.source);
    append_field(message, record.device);
    return message;
}

}  // namespace

Secret AuditChain::key_of(const MasterKey& master) { return master.derive("audit chain"); }

AuditChain::AuditChain(const Secret& key)
    : keyed_([&] {
          const MacPtr hmac(EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr));
          Context context(hmac ? EVP_MAC_CTX_new(hmac.get()) : nullptr);
          static char sha256[] = "SHA256";  // OpenSSL's parameters are not const, though it only reads them
          const OSSL_PARAM parameters[] = {
              OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, sizeof sha256 - 1),
              OSSL_PARAM_construct_end()};
          if (!context || EVP_MAC_init(context.get(), key.bytes().data(), key.size(), parameters) != 1) {
              throw OpenSslError("keying the audit");
          }
          return context;
      }())
{
}

AuditHead AuditChain::begin() const { return head({}); }

AuditMark AuditChain::mark(const AuditMac& previous, std::int64_t id, const AuditRecord& record) const
{
    return {.id = id, .mac = mac(encode(previous, id, record))};
}

AuditHead AuditChain::head(const AuditMark& last) const
{
    std::string message;
    append_field(message, "head");
    append_big_endian(message, static_cast<std::uint64_t>(last.id));
    message += characters(last.mac);
    return {.last = last, .mac = mac(message)};
}

bool AuditChain::is_genuine(const AuditHead& head) const { return same(head.mac, this->head(head.last).mac); }

AuditMac AuditChain::mac(std::string_view message) const
{
    const Context context(EVP_MAC_CTX_dup(keyed_.get()));
    const auto* const octets = reinterpret_cast<const unsigned char*>(message.data());
    AuditMac code{};
    std::size_t size = 0;
    if (!context || EVP_MAC_update(context.get(), octets, message.size()) != 1 ||
        EVP_MAC_final(context.get(), code.data(), &size, code.size()) != 1 || size != code.size()) {
        throw OpenSslError("computing an audit record's MAC");
    }
    return code;
}

bool same(const AuditMac& left, const AuditMac& right) noexcept
{
    return CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

std::string to_text(const AuditMark& mark) { return std::to_string(mark.id) + ':' + to_base64(mark.mac); }

std::optional<AuditMark> parse_audit_mark(std::string_view text)
{
    AuditMark mark;
    const auto* const begin = text.data();
    const auto* const end = begin + text.size();
    const auto [stop, error] = std::from_chars(begin, end, mark.id);
    if (error != std::errc{} || stop == end || *stop != ':' || mark.id < 1) return std::nullopt;
    const auto mac = from_base64({stop + 1, static_cast<std::size_t>(end - stop - 1)});
    if (!mac || mac->size() != mark.mac.size()) return std::nullopt;
    std::ranges::copy(mac->bytes(), mark.mac.begin());
    return mark;
}

}  // namespace securelogin::auth
