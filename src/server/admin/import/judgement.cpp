#include "server/admin/import/judgement.hpp"

#include <cstdint>
#include <utility>

#include "server/auth/phc.hpp"
#include "server/auth/wrapped_hash.hpp"

namespace securelogin::admin {
namespace {

/// Memory times passes: what an attacker's machine has to do for each guess.
std::uint64_t work(const auth::HashParameters& parameters) noexcept
{
    return std::uint64_t{parameters.memory_kib} * parameters.passes;
}

/// Why not; nothing when `newcomer` has it.
std::optional<std::string> take_password(std::string_view hash, Newcomer& newcomer)
{
    constexpr std::string_view crypt =
        "{CRYPT}";  // as older versions of Authelia and LDAP directories write it
    if (hash.starts_with(crypt)) hash.remove_prefix(crypt.size());
    if (hash.empty()) return std::nullopt;
    if (auth::is_wrapped(hash)) {  // an export's, of somebody who has not logged in since an import
        if (!auth::is_good_wrapped_hash(hash)) return "its hash is a wrapped one, and malformed";
        newcomer.password = Secret::copy_of(hash);
        return std::nullopt;
    }
    if (hash.starts_with("$argon2")) {
        const auto parameters = auth::parse_phc(hash);
        if (!parameters)
            return "its hash is Argon2, and not Argon2id version 19 of at most " +
                   std::to_string(auth::kCeiling.memory_kib >> 10U) + " MiB and " +
                   std::to_string(auth::kCeiling.passes) + " passes, or malformed";
        newcomer.password = Secret::copy_of(hash);
        newcomer.weaker = work(*parameters) < work(auth::kFloor);
        return std::nullopt;
    }
    auto old = auth::parse_old_hash(hash);
    if (const auto* const why = std::get_if<std::string>(&old)) return "its hash is " + *why;
    newcomer.password = std::get<auth::OldHash>(std::move(old));
    return std::nullopt;
}

/// The same for the key.
std::optional<std::string> take_key(const ImportRow& row, Newcomer& newcomer)
{
    if (row.otpauth_uri.empty() && row.totp_base32.empty()) return std::nullopt;
    auto key = row.otpauth_uri.empty() ? auth::parse_base32_key(row.totp_base32)
                                       : auth::parse_otpauth_uri(row.otpauth_uri);
    if (const auto* const why = std::get_if<std::string>(&key)) return "its one-time code key is " + *why;
    newcomer.totp = std::get<auth::TotpKey>(std::move(key));
    return std::nullopt;
}

}  // namespace

std::variant<Newcomer, std::string> judge(const ImportRow& row)
{
    auto name = auth::UserName::parse(row.name);
    if (!name) {
        return "its name can be nobody's: letters a-z, digits, '.', '_' and '-', a letter or digit first, " +
               std::to_string(auth::UserName::kLongest) + " at most";
    }
    Newcomer newcomer{.name = *std::move(name), .password = NoPassword{}, .totp = std::nullopt};
    if (auto why = take_password(row.password_hash, newcomer)) return *std::move(why);
    if (auto why = take_key(row, newcomer)) return *std::move(why);
    if (!newcomer.totp && std::holds_alternative<NoPassword>(newcomer.password))
        return std::string("it has neither a password hash nor a one-time code key");
    return newcomer;
}

}  // namespace securelogin::admin
