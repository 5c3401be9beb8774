#include "server/store/sqlite_reader.hpp"

#include <SQLiteCpp/Transaction.h>
#include <sqlite3.h>

#include <limits>
#include <utility>

#include "server/store/execution.hpp"
#include "server/store/rows.hpp"

namespace securelogin::store {
namespace {

constexpr int kPage = 256;  // accounts or records read at once

constexpr auth::UserId kBeforeAllUsers{-1};

/// Before every record.
constexpr auth::Time kEver{std::chrono::seconds(std::numeric_limits<std::int64_t>::min())};

std::optional<std::string> name_in(const auth::AuditQuery& query)
{
    return query.user ? std::optional(query.user->str()) : std::nullopt;
}

std::size_t count_in(const SQLite::Column& column) { return static_cast<std::size_t>(column.getInt64()); }

}  // namespace

SqliteReader::SqliteReader(const std::filesystem::path& file, std::shared_ptr<Keys> keys,
                           std::chrono::milliseconds busy_timeout)
    : connection_(file, Connection::Use::read, busy_timeout),
      keys_(std::move(keys)),
      statements_(connection_.attempt("opening", [this] { return Statements(connection_.database()); }))
{
}

std::optional<auth::StoredPassword> SqliteReader::find_password(const auth::UserName& name)
{
    return connection_.attempt("reading a password's hash from", [&] {
        try {
            return read_password(name);
        } catch (const UnknownKey&) {
            // Read in the very moment in which its key was retired, and there under the new one by now.
            return read_password(name);
        }
    });
}

std::optional<auth::StoredPassword> SqliteReader::read_password(const auth::UserName& name)
{
    auto& row = statements_.find_password;
    Execution found(row, name.str());
    if (!found.next()) return std::nullopt;
    const auto id = auth::UserId(row.getColumn(0).getInt64());
    return auth::StoredPassword{
        .user = id,
        .epoch = row.getColumn(1).getInt64(),
        .phc =
            keys_->open(octets_in(row.getColumn(2)), password_hash_of(id, name), key_id_in(row.getColumn(3))),
    };
}

std::optional<auth::Account> SqliteReader::find_account(const auth::UserName& name)
{
    return connection_.attempt("finding an account in", [&] {
        Execution found(statements_.find_account, name.str());
        return found.next() ? std::optional(account_in(statements_.find_account)) : std::nullopt;
    });
}

void SqliteReader::for_each_account(const std::function<void(const auth::Account&)>& visit)
{
    // Page by page: a reader that holds a snapshot for as long as somebody looks at the list keeps the WAL
    // growing.
    std::string last;
    for (;;) {
        const auto page = accounts_after(last);
        if (page.empty()) return;
        for (const auto& account : page) visit(account);
        last = page.back().name.str();
    }
}

std::vector<auth::Account> SqliteReader::accounts_after(const std::string& name)
{
    return connection_.attempt("listing accounts in", [&] {
        std::vector<auth::Account> page;
        Execution rows(statements_.accounts_after, name, kPage);
        while (rows.next()) page.push_back(account_in(statements_.accounts_after));
        return page;
    });
}

void SqliteReader::for_each_credentials(const std::function<void(const auth::Credentials&)>& visit)
{
    std::string last;
    for (;;) {
        const auto page = credentials_after(last);
        if (page.empty()) return;
        for (const auto& credentials : page) visit(credentials);
        last = page.back().account.name.str();
    }
}

std::vector<auth::Credentials> SqliteReader::credentials_after(const std::string& name)
{
    return connection_.attempt("reading credentials in", [&] {
        try {
            return read_credentials(name);
        } catch (const UnknownKey&) {
            // As in find_password().
            return read_credentials(name);
        }
    });
}

std::vector<auth::Credentials> SqliteReader::read_credentials(const std::string& after)
{
    const SQLite::Transaction one_moment(connection_.database());
    SQLite::Statement sealed(connection_.database(), sql::kCredentialsOf);
    std::vector<auth::Credentials> page;
    for (auto& account : accounts_after(after)) page.push_back(credentials_of(sealed, std::move(account)));
    return page;
}

auth::Credentials SqliteReader::credentials_of(SQLite::Statement& sealed, auth::Account account)
{
    Execution row(sealed, account.name.str(), account.id);
    if (!row.next()) throw SQLite::Exception("an account that is there and not there", SQLITE_CORRUPT);
    const auto in_use = key_id_in(sealed.getColumn(2));
    auth::Credentials credentials{.account = std::move(account), .phc = {}};
    const auto id = credentials.account.id;
    const auto& name = credentials.account.name;
    credentials.phc = keys_->open(octets_in(sealed.getColumn(0)), password_hash_of(id, name), in_use);
    if (credentials.account.totp)
        credentials.totp_secret =
            keys_->open(octets_in(sealed.getColumn(1)), totp_secret_of(id, name), in_use);
    return credentials;
}

std::size_t SqliteReader::count_sessions(auth::UserId user, const auth::SessionPolicy& policy, auth::Time now)
{
    return connection_.attempt("counting sessions in", [&] {
        Execution counted(statements_.count_sessions, user, now, now - policy.idle, now + policy.idle);
        return counted.next() ? count_in(statements_.count_sessions.getColumn(0)) : 0;
    });
}

int SqliteReader::count_recovery_codes(auth::UserId user)
{
    return connection_.attempt("counting recovery codes in", [&] {
        SQLite::Statement row(connection_.database(), sql::kCountRecoveryCodes);
        Execution counted(row, user);
        return counted.next() ? row.getColumn(0).getInt() : 0;
    });
}

void SqliteReader::for_each_session(
    const std::optional<auth::UserId>& of,
    const std::function<void(const auth::UserName&, const auth::Session&)>& visit)
{
    auto user = of.value_or(kBeforeAllUsers);
    std::string last;  // before all ids
    for (;;) {
        const auto page = sessions_after(user, last);
        for (const auto& [name, session] : page) {
            if (of && session.user != *of) return;
            visit(name, session);
        }
        if (page.empty()) return;
        user = page.back().second.user;
        last = page.back().second.id;
    }
}

std::vector<SqliteReader::NamedSession> SqliteReader::sessions_after(auth::UserId user, const std::string& id)
{
    return connection_.attempt("listing sessions in", [&] {
        SQLite::Statement statement(connection_.database(), sql::kSessionsAfter);
        std::vector<NamedSession> page;
        Execution rows(statement, user, id, kPage);
        while (rows.next()) page.emplace_back(user_name_in(statement.getColumn(7)), session_in(statement));
        return page;
    });
}

std::vector<auth::Device> SqliteReader::devices(auth::UserId user)
{
    return connection_.attempt("listing devices in", [&] {
        std::vector<auth::Device> devices;
        Execution rows(statements_.devices_of, user);
        while (rows.next()) devices.push_back(device_in(statements_.devices_of));
        return devices;
    });
}

std::optional<auth::Invitation> SqliteReader::invitation_of(const auth::UserName& name)
{
    return connection_.attempt("finding an invitation in", [&] {
        SQLite::Statement statement(connection_.database(), sql::kInvitationOf);
        Execution found(statement, name.str());
        return found.next() ? std::optional(invitation_in(statement)) : std::nullopt;
    });
}

void SqliteReader::for_each_invitation(const std::function<void(const auth::Invitation&)>& visit)
{
    std::string last;
    for (;;) {
        const auto page = invitations_after(last);
        if (page.empty()) return;
        for (const auto& invitation : page) visit(invitation);
        last = page.back().name.str();
    }
}

std::vector<auth::Invitation> SqliteReader::invitations_after(const std::string& name)
{
    return connection_.attempt("listing invitations in", [&] {
        SQLite::Statement statement(connection_.database(), sql::kInvitationsAfter);
        std::vector<auth::Invitation> page;
        Execution rows(statement, name, kPage);
        while (rows.next()) page.push_back(invitation_in(statement));
        return page;
    });
}

void SqliteReader::for_each_audit_entry(const auth::AuditQuery& query, const AuditVisit& visit)
{
    auto last = query.newest ? before_the_newest(query, *query.newest) : query.after;
    for (;;) {
        const auto page = audit_page(query, last);
        if (page.empty()) return;
        for (const auto& entry : page) {
            if (!visit(entry)) return;
        }
        last = page.back().mark.id;
    }
}

std::vector<auth::AuditEntry> SqliteReader::audit_page(const auth::AuditQuery& query, std::int64_t after)
{
    return connection_.attempt("reading the audit in", [&] {
        SQLite::Statement statement(connection_.database(), sql::kAuditPage);
        std::vector<auth::AuditEntry> page;
        Execution rows(statement, after, query.since.value_or(kEver), query.event, name_in(query), query.name,
                       kPage);
        while (rows.next()) page.push_back(audit_entry_in(statement));
        return page;
    });
}

std::int64_t SqliteReader::before_the_newest(const auth::AuditQuery& query, std::int64_t newest)
{
    return connection_.attempt("reading the audit in", [&] {
        SQLite::Statement statement(connection_.database(), sql::kNewestAudit);
        Execution row(statement, query.after, query.since.value_or(kEver), query.event, name_in(query),
                      query.name, newest);
        return row.next() ? statement.getColumn(0).getInt64() : query.after;
    });
}

std::optional<auth::AuditHead> SqliteReader::read_audit(const AuditVisit& visit)
{
    return connection_.attempt("reading the audit in", [&]() -> std::optional<auth::AuditHead> {
        const SQLite::Transaction one_moment(connection_.database());
        SQLite::Statement entries(connection_.database(), sql::kReadAudit);
        while (entries.executeStep() && visit(audit_entry_in(entries))) continue;
        SQLite::Statement head(connection_.database(), sql::kFindAuditHead);
        return head.executeStep() ? audit_head_in(head) : std::nullopt;
    });
}

auth::StoreSummary SqliteReader::summary(const auth::SessionPolicy& policy, auth::Time now)
{
    return connection_.attempt("summing up", [&] {
        auto& row = statements_.summary;
        Execution counted(row, now, now - policy.idle, now + policy.idle);
        auth::StoreSummary summary;
        if (!counted.next()) return summary;
        summary.users = count_in(row.getColumn(0));
        summary.disabled = count_in(row.getColumn(1));
        summary.sessions = count_in(row.getColumn(2));
        summary.schema_version = row.getColumn(3).getInt();
        return summary;
    });
}

auth::StoreState SqliteReader::state(const auth::StateQuery& query)
{
    return connection_.attempt("counting in", [&] {
        SQLite::Statement row(connection_.database(), sql::kState);
        Execution counted(row, query.waits_since, query.now, static_cast<std::int64_t>(query.most),
                          query.ceilings_reached);
        auth::StoreState state;
        if (!counted.next()) return state;
        state.waits = count_in(row.getColumn(0));
        state.ceilings = count_in(row.getColumn(1));
        state.sessions = count_in(row.getColumn(2));
        state.last_audit = row.getColumn(3).getInt64();
        return state;
    });
}

}  // namespace securelogin::store
