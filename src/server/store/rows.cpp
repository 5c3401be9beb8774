#include "server/store/rows.hpp"

#include <sqlite3.h>

#include <SQLiteCpp/Exception.h>

#include <algorithm>

#include "server/auth/totp.hpp"

namespace securelogin::store {
namespace {

/// The columns of sql::kFindAccount.
enum Field : int {
    kId,
    kName,
    kState,
    kCreatedAt,
    kPasswordSetAt,
    kPasswordEpoch,
    kLastLoginAt,
    kLastLoginSource,
    kAlgorithm,
    kDigits,
    kPeriod,
    kLastStep,
    kFailures,
    kEnrolledAt,
    kMustChange,
    kRecoveryCodesMade,
};

template <typename Value>
Value require(std::optional<Value> value, const char* what)
{
    if (!value) throw SQLite::Exception(what, SQLITE_CORRUPT);
    return *std::move(value);
}

auth::AccountState parse_state(const std::string& text)
{
    // Anything but `active` may not log in.
    return text == to_text(auth::AccountState::active) ? auth::AccountState::active
                                                       : auth::AccountState::disabled;
}

std::optional<auth::TotpEnrolment> enrolment_in(SQLite::Statement& row)
{
    if (row.isColumnNull(kAlgorithm)) return std::nullopt;
    const auto algorithm = auth::parse_totp_algorithm(row.getColumn(kAlgorithm).getString());
    return auth::TotpEnrolment{
        .parameters = {.algorithm = require(algorithm, "a TOTP algorithm that is none"),
                       .digits = row.getColumn(kDigits).getInt(),
                       .period = std::chrono::seconds(row.getColumn(kPeriod).getInt64())},
        .last_step = row.getColumn(kLastStep).getInt64(),
        .failures = row.getColumn(kFailures).getInt(),
        .enrolled_at = time_in(row.getColumn(kEnrolledAt)),
    };
}

std::optional<auth::LastLogin> last_login_in(SQLite::Statement& row)
{
    if (row.isColumnNull(kLastLoginAt)) return std::nullopt;
    return auth::LastLogin{.at = time_in(row.getColumn(kLastLoginAt)),
                           .source = row.getColumn(kLastLoginSource).getString()};
}

template <typename Octets>
void copy_octets(const SQLite::Column& column, Octets& into, const char* otherwise)
{
    const auto octets = octets_in(column);
    if (octets.size() != into.size()) throw SQLite::Exception(otherwise, SQLITE_CORRUPT);
    std::ranges::copy(octets, into.begin());
}

}  // namespace

std::string_view to_text(auth::AccountState state) noexcept
{
    return state == auth::AccountState::active ? "active" : "disabled";
}

auth::Time time_in(const SQLite::Column& column)
{
    return auth::Time(std::chrono::seconds(column.getInt64()));
}

std::uint32_t key_id_in(const SQLite::Column& column)
{
    return static_cast<std::uint32_t>(column.getInt64());
}

std::span<const std::uint8_t> octets_in(const SQLite::Column& column)
{
    const auto* const octets = static_cast<const std::uint8_t*>(column.getBlob());
    return {octets, static_cast<std::size_t>(column.getBytes())};
}

auth::UserName user_name_in(const SQLite::Column& column)
{
    return require(auth::UserName::parse(column.getString()), "a user name that is none");
}

auth::Account account_in(SQLite::Statement& row)
{
    return {
        .id = auth::UserId(row.getColumn(kId).getInt64()),
        .name = user_name_in(row.getColumn(kName)),
        .state = parse_state(row.getColumn(kState).getString()),
        .created_at = time_in(row.getColumn(kCreatedAt)),
        .password_set_at = time_in(row.getColumn(kPasswordSetAt)),
        .password_epoch = row.getColumn(kPasswordEpoch).getInt64(),
        .totp = enrolment_in(row),
        .last_login = last_login_in(row),
        .must_change = row.getColumn(kMustChange).getInt() != 0,
        .recovery_codes_made = row.getColumn(kRecoveryCodesMade).getInt(),
    };
}

auth::Device device_in(SQLite::Statement& row)
{
    const auto column = row.getColumn(0);
    const auto octets = octets_in(column);
    auth::Device device{.fingerprint = {},
                        .first_seen = time_in(row.getColumn(1)),
                        .last_seen = time_in(row.getColumn(2)),
                        .source = row.getColumn(3).getString()};
    if (octets.size() != device.fingerprint.size()) {
        throw SQLite::Exception("a device's fingerprint that is none", SQLITE_CORRUPT);
    }
    std::ranges::copy(octets, device.fingerprint.begin());
    return device;
}

auth::Invitation invitation_in(SQLite::Statement& row)
{
    auth::Invitation invitation{.name = user_name_in(row.getColumn(0)),
                                .hash = {},
                                .created_at = time_in(row.getColumn(2)),
                                .expires_at = time_in(row.getColumn(3)),
                                .mac = {}};
    copy_octets(row.getColumn(1), invitation.hash, "an invitation's hash that is none");
    copy_octets(row.getColumn(4), invitation.mac, "an invitation's MAC that is none");
    return invitation;
}

auth::Session session_in(SQLite::Statement& row)
{
    return {.user = auth::UserId(row.getColumn(0).getInt64()),
            .id = row.getColumn(1).getString(),
            .opened_at = time_in(row.getColumn(2)),
            .expires_at = time_in(row.getColumn(3)),
            .last_used_at = time_in(row.getColumn(4)),
            .source = row.getColumn(5).getString(),
            .has_token = row.getColumn(6).getInt() != 0};
}

auth::FoundToken found_token_in(SQLite::Statement& row)
{
    return {.holder = {.user = auth::UserId(row.getColumn(0).getInt64()),
                       .name = user_name_in(row.getColumn(4)),
                       .session = row.getColumn(1).getString(),
                       .expires_at = time_in(row.getColumn(2)),
                       .last_used_at = time_in(row.getColumn(3)),
                       .must_change = row.getColumn(6).getInt() != 0},
            .as_of = row.getColumn(5).getInt64()};
}

auth::TokenHash ended_token_in(SQLite::Statement& row)
{
    auth::TokenHash token{};
    copy_octets(row.getColumn(1), token, "a token's hash that is none");
    return token;
}

SealedPlace password_hash_of(auth::UserId user, const auth::UserName& name)
{
    return {.table = "users",
            .column = "password_hash",
            .user_id = static_cast<std::int64_t>(user),
            .user_name = name.str()};
}

SealedPlace totp_secret_of(auth::UserId user, const auth::UserName& name)
{
    return {.table = "totp",
            .column = "secret",
            .user_id = static_cast<std::int64_t>(user),
            .user_name = name.str()};
}

}  // namespace securelogin::store
