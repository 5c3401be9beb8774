// rows.hpp: the domain's values as rows hold them.
#pragma once

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "server/auth/account.hpp"
#include "server/auth/audit.hpp"
#include "server/auth/device.hpp"
#include "server/auth/invitation.hpp"
#include "server/auth/session.hpp"
#include "server/auth/token_reader.hpp"
#include "server/store/seal.hpp"

namespace securelogin::store {

[[nodiscard]] std::string_view to_text(auth::AccountState state) noexcept;

[[nodiscard]] auth::Time time_in(const SQLite::Column& column);
[[nodiscard]] std::uint32_t key_id_in(const SQLite::Column& column);
/// Throws SQLite::Exception when it holds what the schema forbids.
[[nodiscard]] auth::UserName user_name_in(const SQLite::Column& column);
/// Valid until the statement moves on.
[[nodiscard]] std::span<const std::uint8_t> octets_in(const SQLite::Column& column);

/// The row that sql::kFindAccount or sql::kAccountsAfter stands on.  Throws SQLite::Exception when it holds
/// what the schema forbids.
[[nodiscard]] auth::Account account_in(SQLite::Statement& row);

/// The row that sql::kFindDevice or sql::kDevicesOf stands on.  Throws SQLite::Exception as account_in().
[[nodiscard]] auth::Device device_in(SQLite::Statement& row);
/// The row that sql::kFindInvitation and its like stand on.  Throws SQLite::Exception as account_in().
[[nodiscard]] auth::Invitation invitation_in(SQLite::Statement& row);

/// The row that sql::kFindSession, kSessionsOf or kSessionsAfter stands on.
[[nodiscard]] auth::Session session_in(SQLite::Statement& row);
/// The row that sql::kFindToken stands on.  Throws SQLite::Exception as account_in().
[[nodiscard]] auth::FoundToken found_token_in(SQLite::Statement& row);
/// The row that sql::kTokensEndedSince stands on.  Throws SQLite::Exception as account_in().
[[nodiscard]] auth::TokenHash ended_token_in(SQLite::Statement& row);

/// Nothing, rather than an empty text, where there is nothing to say.
[[nodiscard]] std::optional<std::string> unless_empty(const std::string& text);

/// The row that sql::kReadAudit or sql::kAuditPage stands on, whatever it holds: whoever tampers with the
/// audit is not bound by the schema.
[[nodiscard]] auth::AuditEntry audit_entry_in(SQLite::Statement& row);
/// The row that sql::kFindAuditHead stands on; nothing when it holds what the schema forbids.
[[nodiscard]] std::optional<auth::AuditHead> audit_head_in(SQLite::Statement& row);

[[nodiscard]] SealedPlace password_hash_of(auth::UserId user, const auth::UserName& name);
[[nodiscard]] SealedPlace totp_secret_of(auth::UserId user, const auth::UserName& name);

}  // namespace securelogin::store
