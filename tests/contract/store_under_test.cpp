#include "tests/contract/store_under_test.hpp"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <algorithm>

#include "server/store/sqlite_store.hpp"
#include "tests/support/memory_store.hpp"
#include "tests/support/temporary_directory.hpp"

namespace securelogin::contract {
namespace {

class Memory final : public StoreUnderTest {
  public:
    auth::Store& store() override { return *store_; }
    std::vector<auth::AuditRecord> audit() override { return store_->audit(); }
    void destroy() override { store_.reset(); }

  private:
    std::unique_ptr<support::MemoryStore> store_ = std::make_unique<support::MemoryStore>();
};

auth::AuditRecord record_in(SQLite::Statement& row)
{
    auth::AuditRecord record{.at = auth::Time(std::chrono::seconds(row.getColumn(0).getInt64())),
                             .event = row.getColumn(1).getString(),
                             .outcome = row.getColumn(2).getString(),
                             .reason = row.getColumn(3).getString(),
                             .source = row.getColumn(6).getString(),
                             .device = row.getColumn(7).getString()};
    if (!row.isColumnNull(4)) record.user = auth::UserId(row.getColumn(4).getInt64());
    if (!row.isColumnNull(5)) {
        const auto column = row.getColumn(5);
        auto& key = record.name.emplace();
        std::copy_n(static_cast<const std::uint8_t*>(column.getBlob()), key.size(), key.begin());
    }
    return record;
}

class Sqlite final : public StoreUnderTest {
  public:
    auth::Store& store() override { return *store_; }
    std::vector<auth::AuditRecord> audit() override
    {
        const SQLite::Database database(file_.string());
        SQLite::Statement rows(
            database,
            "SELECT at, event, outcome, reason, user_id, name_key, source, device FROM audit ORDER BY id");
        std::vector<auth::AuditRecord> records;
        while (rows.executeStep()) records.push_back(record_in(rows));
        return records;
    }
    void destroy() override { store_.reset(); }

  private:
    support::TemporaryDirectory directory_;
    std::filesystem::path file_ = directory_ / "securelogin.db";
    std::unique_ptr<auth::Store> store_ =
        store::open_sqlite_store(file_, auth::MasterKey(Secret(auth::MasterKey::kSize)),
                                 {.if_missing = store::SqliteOptions::IfMissing::make});
};

}  // namespace

std::unique_ptr<StoreUnderTest> make_memory_store() { return std::make_unique<Memory>(); }
std::unique_ptr<StoreUnderTest> make_sqlite_store() { return std::make_unique<Sqlite>(); }

}  // namespace securelogin::contract
