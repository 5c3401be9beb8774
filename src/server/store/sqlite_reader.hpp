// sqlite_reader.hpp: the domain's reader on a connection of its own.
#pragma once

#include <SQLiteCpp/Statement.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/auth/store.hpp"
#include "server/store/connection.hpp"
#include "server/store/keys.hpp"
#include "server/store/statements.hpp"

namespace securelogin::store {

class SqliteReader final : public auth::Reader {
  public:
    using AuditVisit = std::function<bool(const auth::AuditEntry&)>;

    SqliteReader(const std::filesystem::path& file, std::shared_ptr<Keys> keys,
                 std::chrono::milliseconds busy_timeout);

    std::optional<auth::StoredPassword> find_password(const auth::UserName& name) override;
    std::optional<auth::Account> find_account(const auth::UserName& name) override;
    void for_each_account(const std::function<void(const auth::Account&)>& visit) override;
    void for_each_credentials(const std::function<void(const auth::Credentials&)>& visit) override;
    std::size_t count_sessions(auth::UserId user, const auth::SessionPolicy& policy, auth::Time now) override;
    int count_recovery_codes(auth::UserId user) override;
    void for_each_session(
        const std::optional<auth::UserId>& of,
        const std::function<void(const auth::UserName&, const auth::Session&)>& visit) override;
    std::vector<auth::Device> devices(auth::UserId user) override;
    std::optional<auth::Invitation> invitation_of(const auth::UserName& name) override;
    void for_each_invitation(const std::function<void(const auth::Invitation&)>& visit) override;
    void for_each_audit_entry(const auth::AuditQuery& query, const AuditVisit& visit) override;
    std::optional<auth::AuditHead> read_audit(const AuditVisit& visit) override;
    auth::StoreSummary summary(const auth::SessionPolicy& policy, auth::Time now) override;
    auth::StoreState state(const auth::StateQuery& query) override;

  private:
    struct Statements {
        explicit Statements(SQLite::Database& opened) : database(opened) {}

        SQLite::Database& database;
        SQLite::Statement find_password{database, sql::kFindPassword};
        SQLite::Statement find_account{database, sql::kFindAccount};
        SQLite::Statement accounts_after{database, sql::kAccountsAfter};
        SQLite::Statement count_sessions{database, sql::kCountSessions};
        SQLite::Statement devices_of{database, sql::kDevicesOf};
        SQLite::Statement summary{database, sql::kSummary};
    };

    [[nodiscard]] std::optional<auth::StoredPassword> read_password(const auth::UserName& name);
    [[nodiscard]] std::vector<auth::Account> accounts_after(const std::string& name);
    [[nodiscard]] std::vector<auth::Invitation> invitations_after(const std::string& name);
    using NamedSession = std::pair<auth::UserName, auth::Session>;
    [[nodiscard]] std::vector<NamedSession> sessions_after(auth::UserId user, const std::string& id);
    [[nodiscard]] std::vector<auth::Credentials> credentials_after(const std::string& name);
    [[nodiscard]] std::vector<auth::Credentials> read_credentials(const std::string& after);
    [[nodiscard]] auth::Credentials credentials_of(SQLite::Statement& sealed, auth::Account account);
    [[nodiscard]] std::vector<auth::AuditEntry> audit_page(const auth::AuditQuery& query, std::int64_t after);
    /// The id behind which the newest begin that are wanted.
    [[nodiscard]] std::int64_t before_the_newest(const auth::AuditQuery& query, std::int64_t newest);

    Connection connection_;
    const std::shared_ptr<Keys> keys_;
    Statements statements_;
};

}  // namespace securelogin::store
