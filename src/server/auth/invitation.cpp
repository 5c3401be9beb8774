#include "server/auth/invitation.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include "common/openssl.hpp"
#include "server/auth/store.hpp"

namespace securelogin::auth {
namespace {

constexpr std::size_t kBytes = 16;
constexpr unsigned kByteBits = 8;
constexpr unsigned kSymbolBits = 5;
constexpr std::size_t kSymbols = 26;  // the last one's two lowest bits are nought
constexpr std::size_t kGroup = 4;     // symbols between hyphens

/// Douglas Crockford's base 32.
constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

using Bits = std::array<std::uint8_t, kBytes>;

void wipe_bits(Bits& bits) noexcept { wipe({reinterpret_cast<char*>(bits.data()), bits.size()}); }

std::optional<unsigned> value_of(char typed) noexcept
{
    if (typed >= 'a' && typed <= 'z') typed = static_cast<char>(typed - 'a' + 'A');
    if (typed == 'I' || typed == 'L') typed = '1';
    if (typed == 'O') typed = '0';
    const auto value = kAlphabet.find(typed);
    return value == std::string_view::npos ? std::nullopt : std::optional(static_cast<unsigned>(value));
}

/// Nothing unless `typed` is 26 symbols, and blanks and hyphens among them.
std::optional<Bits> bits_in(std::string_view typed) noexcept
{
    Bits bits{};
    std::size_t symbols = 0, bytes = 0;
    unsigned pending = 0, count = 0;  // bits not yet written: the lowest `count` of `pending`
    for (const char c : typed) {
        if (c == '-' || c == ' ') continue;
        const auto value = value_of(c);
        if (!value || symbols == kSymbols) return std::nullopt;
        pending = (pending << kSymbolBits) | *value;
        count += kSymbolBits;
        ++symbols;
        if (count < kByteBits) continue;
        count -= kByteBits;
        bits.at(bytes++) = static_cast<std::uint8_t>((pending >> count) & 0xFFU);
    }
    const bool spare_bits_are_nought = (pending & ((1U << count) - 1)) == 0;
    return symbols == kSymbols && spare_bits_are_nought ? std::optional(bits) : std::nullopt;
}

Secret text_of(std::span<const std::uint8_t> bits)
{
    Secret text(kSymbols + (kSymbols - 1) / kGroup);
    auto out = text.chars().begin();
    std::size_t symbols = 0;
    const auto write = [&](unsigned value) {
        if (symbols > 0 && symbols % kGroup == 0) *out++ = '-';
        *out++ = kAlphabet[value & 0x1FU];
        ++symbols;
    };
    unsigned pending = 0, count = 0;
    for (const auto byte : bits) {
        pending = (pending << kByteBits) | byte;
        count += kByteBits;
        for (; count >= kSymbolBits; count -= kSymbolBits) write(pending >> (count - kSymbolBits));
    }
    write(pending << (kSymbolBits - count));
    return text;
}

InvitationHash sha256(const Bits& bits)
{
    InvitationHash hash{};
    if (EVP_Digest(bits.data(), bits.size(), hash.data(), nullptr, EVP_sha256(), nullptr) != 1) {
        throw OpenSslError("hashing an invitation");
    }
    return hash;
}

NameKey mac_of(const Invitation& invitation, const NameKeyer& names)
{
    // No name that is typed has a line break: this is the MAC of nothing else.  In numbers, for a keyer takes
    // capitals and small letters for the same.
    auto message = "invitation\n" + invitation.name.str();
    for (const auto octet : invitation.hash) message += ' ' + std::to_string(octet);
    for (const auto time : {invitation.created_at, invitation.expires_at}) {
        message += '\n' + std::to_string(time.time_since_epoch().count());
    }
    return names(message);
}

}  // namespace

Secret generate_invitation(Random& random)
{
    Secret bits(kBytes);
    random.fill(bits.bytes());
    return text_of(bits.bytes());
}

std::optional<InvitationHash> hash_of_invitation(std::string_view typed)
{
    auto bits = bits_in(typed);
    if (!bits) return std::nullopt;
    const auto hash = sha256(*bits);
    wipe_bits(*bits);
    return hash;
}

bool is_genuine(const Invitation& invitation, const NameKeyer& names)
{
    const auto mac = mac_of(invitation, names);
    return CRYPTO_memcmp(mac.data(), invitation.mac.data(), mac.size()) == 0;
}

Invitations::Invitations(const NameKeyer& names, const Clock& clock, Random& random, std::string actor)
    : names_(names), clock_(clock), random_(random), actor_(std::move(actor))
{
}

Invitations::Prepared Invitations::prepare(const UserName& name, std::chrono::seconds lasts) const
{
    const auto now = clock_.now();
    auto text = generate_invitation(random_);
    Invitation invitation{.name = name,
                          .hash = hash_of_invitation(text.view()).value(),
                          .created_at = now,
                          .expires_at = now + lasts,
                          .mac = {}};
    invitation.mac = mac_of(invitation, names_);
    return {.text = std::move(text), .invitation = std::move(invitation)};
}

bool Invitations::invite(Transaction& transaction, const Invitation& invitation) const
{
    const auto account = transaction.find_account(invitation.name);
    if (account && account->totp) return false;
    transaction.save_invitation(invitation);
    // By the name's key, as attempts at it were written down before there was an account; and in clear, since
    // it is the administrator's word and nobody's password.
    transaction.append_audit({.at = clock_.now(),
                              .event = "user.invite",
                              .outcome = "done",
                              .reason = invitation.name.str(),
                              .user = account ? std::optional(account->id) : std::nullopt,
                              .name = account ? std::nullopt : std::optional(names_(invitation.name.str())),
                              .source = actor_});
    return true;
}

bool Invitations::reinvite(Transaction& transaction, const Invitation& invitation) const
{
    const auto account = transaction.find_account(invitation.name);
    if (!account) return false;
    transaction.remove_totp(*account);
    transaction.set_recovery_codes(*account, {});
    transaction.end_sessions(account->id, {});
    transaction.forget_devices(account->id, std::nullopt);
    transaction.save_invitation(invitation);
    transaction.append_audit({.at = clock_.now(),
                              .event = "user.reset-totp",
                              .outcome = "done",
                              .reason = "invited",
                              .user = account->id,
                              .source = actor_});
    return true;
}

bool Invitations::withdraw(Transaction& transaction, const UserName& name) const
{
    if (!transaction.remove_invitation(name)) return false;
    const auto account = transaction.find_account(name);
    transaction.append_audit({.at = clock_.now(),
                              .event = "user.uninvite",
                              .outcome = "done",
                              .reason = name.str(),
                              .user = account ? std::optional(account->id) : std::nullopt,
                              .name = account ? std::nullopt : std::optional(names_(name.str())),
                              .source = actor_});
    return true;
}

}  // namespace securelogin::auth
