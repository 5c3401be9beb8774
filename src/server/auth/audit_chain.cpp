#include "server/auth/audit_chain.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "common/base64.hpp"
#include "common/encoding.hpp"

namespace securelogin::auth {
namespace {

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

AuditHead AuditChain::begin() const { return head({}); }

AuditMark AuditChain::mark(const AuditMac& previous, std::int64_t id, const AuditRecord& record) const
{
    return {.id = id, .mac = hmac_(encode(previous, id, record))};
}

AuditHead AuditChain::head(const AuditMark& last) const
{
    std::string message;
    append_field(message, "head");
    append_big_endian(message, static_cast<std::uint64_t>(last.id));
    message += characters(last.mac);
    return {.last = last, .mac = hmac_(message)};
}

bool AuditChain::is_genuine(const AuditHead& head) const { return same(head.mac, this->head(head.last).mac); }

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
