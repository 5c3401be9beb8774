#include "server/store/migrations.hpp"

#include <SQLiteCpp/Column.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/server/store/test_store.hpp"

namespace securelogin::store {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Migrations : public testing::Test {
  protected:
    void SetUp() override
    {
        const auto store = open_store(file_);
        add(*store, "alice", 17);
    }

    std::string migrated(const std::vector<Migration>& steps, int newest)
    {
        return refusal([&] {
            Connection connection(file_, Connection::Use::write, std::chrono::seconds(1));
            migrate(connection, steps, newest, auth::AuditChain(master_key()));
        });
    }
    int number(const char* query)
    {
        Connection connection(file_, Connection::Use::read, std::chrono::seconds(1));
        return connection.database().execAndGet(query).getInt();
    }
    int version() { return number("SELECT schema_version FROM installation"); }

    support::TemporaryDirectory directory_;
    std::filesystem::path file_ = directory_ / "securelogin.db";
};

// What a new database has; the steps below lead on from it.
constexpr int kNow = kSchemaVersion;
constexpr Migration kAddColumn{kNow, kNow + 1, "ALTER TABLE users ADD COLUMN colour TEXT;"};
constexpr Migration kFillColumn{kNow + 1, kNow + 2,
                                "UPDATE users SET colour = 'green'; CREATE TABLE extra (id INTEGER) STRICT;"};
constexpr Migration kBroken{kNow + 1, kNow + 2,
                            "UPDATE users SET colour = 'red'; CREATE TABLE users (id INTEGER);"};

TEST_F(Migrations, TheNewestNeedsNoStep)
{
    EXPECT_EQ(migrated({}, kNow), "none");
    EXPECT_EQ(version(), kNow);
}

TEST_F(Migrations, StepsAreTakenInTheirOrderWhateverTheirOrderInTheList)
{
    EXPECT_EQ(migrated({kFillColumn, kAddColumn}, kNow + 2), "none");
    EXPECT_EQ(version(), kNow + 2);
    EXPECT_EQ(number("SELECT COUNT(*) FROM users WHERE colour = 'green'"), 1);
}

TEST_F(Migrations, AStepIsTakenOnce)
{
    EXPECT_EQ(migrated({kAddColumn}, kNow + 1), "none");
    EXPECT_EQ(migrated({kAddColumn, kFillColumn}, kNow + 2), "none");
    EXPECT_EQ(version(), kNow + 2);
}

TEST_F(Migrations, ATableThatIsRemadeKeepsWhatRefersToIt)
{
    constexpr Migration remake{kNow, kNow + 1,
                               "CREATE TABLE users_2 AS SELECT * FROM users;"
                               "DROP TABLE users;"
                               "CREATE TABLE users (name TEXT PRIMARY KEY, id INTEGER NOT NULL UNIQUE);"
                               "INSERT INTO users SELECT name, id FROM users_2;"
                               "DROP TABLE users_2;"};
    EXPECT_EQ(migrated({remake}, kNow + 1), "none");
    EXPECT_EQ(number("SELECT COUNT(*) FROM totp"), 1);
}

struct RefusedMigration {
    std::string name;
    std::vector<Migration> steps;
    int newest;
    std::string why;
};

class MigrationsRefused : public Migrations, public testing::WithParamInterface<RefusedMigration> {};

TEST_P(MigrationsRefused, AndNothingIsChanged)
{
    EXPECT_THAT(migrated(GetParam().steps, GetParam().newest),
                AllOf(HasSubstr(file_.string()), HasSubstr(GetParam().why)));
    EXPECT_EQ(version(), kNow);
    EXPECT_EQ(number("SELECT COUNT(*) FROM pragma_table_info('users') WHERE name = 'colour'"), 0);
    EXPECT_EQ(number("SELECT COUNT(*) FROM totp"), 1);
    EXPECT_EQ(number("SELECT COUNT(*) FROM sqlite_schema WHERE name = 'extra'"), 0);
}

std::string version_text(int version) { return "schema version " + std::to_string(version); }

INSTANTIATE_TEST_SUITE_P(
    Errors, MigrationsRefused,
    testing::Values(
        RefusedMigration{"ANewerSchema",
                         {},
                         kNow - 1,
                         version_text(kNow) + ", newer than " + std::to_string(kNow - 1) +
                             ", which this program knows: upgrade"},
        RefusedMigration{
            "NoStepFromHere", {kFillColumn}, kNow + 2, version_text(kNow) + ", which nothing leads on from"},
        RefusedMigration{"AGapInTheMiddle",
                         {kAddColumn, {kNow + 2, kNow + 3, ""}},
                         kNow + 3,
                         version_text(kNow + 1) + ", which nothing leads on from"},
        RefusedMigration{"AStepThatFails", {kAddColumn, kBroken}, kNow + 2, "table users already exists"},
        RefusedMigration{"AStepThatLeadsTooFar",
                         {kAddColumn, {kNow + 1, kNow + 3, ""}},
                         kNow + 2,
                         version_text(kNow + 3) + ", newer than " + std::to_string(kNow + 2)},
        RefusedMigration{
            "AStepThatLeadsNowhere", {{kNow, kNow, ""}}, kNow + 1, "which nothing leads on from"},
        RefusedMigration{
            "ALostParent", {{kNow, kNow + 1, "DELETE FROM users;"}}, kNow + 1, "refers to nothing"}),
    [](const auto& row) { return row.param.name; });

TEST(MigrationsOfTheProgram, TheWayToTheNewestIsWithoutGaps)
{
    // sql/schema.sql makes version kSchemaVersion; each older one has a step that leads on.
    for (int version = 1; version < kSchemaVersion; ++version) {
        EXPECT_TRUE(std::ranges::any_of(migrations(), [&](const Migration& step) {
            return step.from == version && step.to > version && step.to <= kSchemaVersion;
        })) << version;
    }
}

}  // namespace
}  // namespace securelogin::store
