#include "server/store/examination.hpp"

#include <SQLiteCpp/Statement.h>

#include <algorithm>
#include <utility>

#include "server/store/connection.hpp"
#include "server/store/keys.hpp"
#include "server/store/migrations.hpp"
#include "server/store/rows.hpp"
#include "server/store/statements.hpp"

namespace securelogin::store {
namespace {

constexpr std::string_view kExamining = "examining";
constexpr int kRetiringKeysSince = 2;  // schema version, as is the audit's chain

/// Whether the key is at hand, is in `examined`.
void examine_key(Connection& connection, const auth::MasterKeySource& source, Examined& examined)
{
    SQLite::Statement row(connection.database(), sql::kFindKey);
    if (!row.executeStep()) return;
    examined.key_id = key_id_in(row.getColumn(0));
    Keys keys(source);
    const auto key = keys.use(examined.key_id);
    if (!key) return;
    try {
        examined.key_at_hand =
            key->sealer.open(octets_in(row.getColumn(1)), kKeyCheck).view() == kKeyCheckText;
    } catch (const SealError&) {
        return;  // another key of the same id
    }
    if (examined.schema_version < kRetiringKeysSince) return;
    SQLite::Statement head(connection.database(), sql::kFindAuditHead);
    const auto end = head.executeStep() ? audit_head_in(head) : std::nullopt;
    examined.audit_end_genuine = examined.key_at_hand && end && key->chain.is_genuine(*end);
}

}  // namespace

std::vector<std::string> damage_in(SQLite::Database& database)
{
    std::vector<std::string> damage;
    SQLite::Statement row(database, "PRAGMA integrity_check(10)");
    while (row.executeStep()) {
        auto line = row.getColumn(0).getString();
        std::ranges::replace(line, '\n', ' ');
        if (line != "ok") damage.push_back(std::move(line));
    }
    SQLite::Statement references(database, "PRAGMA foreign_key_check");
    if (references.executeStep())
        damage.push_back("a row of " + references.getColumn(0).getString() + " refers to nothing");
    return damage;
}

Examined examine(const std::filesystem::path& file, const auth::MasterKeySource& source,
                 std::chrono::milliseconds busy_timeout)
{
    Connection connection(file, Connection::Use::read, busy_timeout);
    if (identify(connection) == Content::nothing)
        throw store_error(kExamining, file, "it is empty", "restore it from a backup");
    return connection.attempt(kExamining, [&] {
        auto& database = connection.database();
        Examined examined;
        examined.newest_schema = kSchemaVersion;
        SQLite::Statement version(database, sql::kFindSchemaVersion);
        if (version.executeStep()) examined.schema_version = version.getColumn(0).getInt();
        version.reset();
        examined.damage = damage_in(database);
        examine_key(connection, source, examined);
        SQLite::Statement newest(database, sql::kNewestAuditTime);
        if (newest.executeStep() && !newest.isColumnNull(0))
            examined.newest_record = time_in(newest.getColumn(0));
        if (examined.schema_version < kRetiringKeysSince) return examined;
        SQLite::Statement kept(database, sql::kFindKeptKeys);
        if (!kept.executeStep() || kept.isColumnNull(1)) return examined;
        examined.retiring_key_id = key_id_in(kept.getColumn(1));
        for (const auto& master : source())
            examined.retiring_key_at_hand |= master.id() == examined.retiring_key_id;
        return examined;
    });
}

}  // namespace securelogin::store
