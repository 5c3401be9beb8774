#include "server/store/migrations.hpp"

#include <SQLiteCpp/Column.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/server/store/test_store.hpp"

namespace securelogin::store {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// A file of the project's.
std::string read(const std::string& name)
{
    std::ifstream file(std::filesystem::path(PROJECT_DIRECTORY) / name);
    return {std::istreambuf_iterator<char>(file), {}};
}

class Migrations : public testing::Test {
  protected:
    void SetUp() override
    {
        const auto store = open_store(file_);
        add(*store, "alice", 17);
        // The steps of these tests lead on from 1, whatever the program's own have come to.
        SQLite::Database(file_.string(), SQLite::OPEN_READWRITE)
            .exec("UPDATE installation SET schema_version = 1");
    }

    std::string migrated(const std::vector<Migration>& steps, int newest)
    {
        return refusal([&] {
            Connection connection(file_, Connection::Use::write, std::chrono::seconds(1));
            migrate(connection, steps, newest);
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

constexpr Migration kAddColumn{1, 2, "ALTER TABLE users ADD COLUMN colour TEXT;"};
constexpr Migration kFillColumn{2, 3,
                                "UPDATE users SET colour = 'green'; CREATE TABLE extra (id INTEGER) STRICT;"};
constexpr Migration kBroken{2, 3, "UPDATE users SET colour = 'red'; CREATE TABLE users (id INTEGER);"};

TEST_F(Migrations, TheNewestNeedsNoStep)
{
    EXPECT_EQ(migrated({}, 1), "none");
    EXPECT_EQ(version(), 1);
}

TEST_F(Migrations, StepsAreTakenInTheirOrderWhateverTheirOrderInTheList)
{
    EXPECT_EQ(migrated({kFillColumn, kAddColumn}, 3), "none");
    EXPECT_EQ(version(), 3);
    EXPECT_EQ(number("SELECT COUNT(*) FROM users WHERE colour = 'green'"), 1);
}

TEST_F(Migrations, AStepIsTakenOnce)
{
    EXPECT_EQ(migrated({kAddColumn}, 2), "none");
    EXPECT_EQ(migrated({kAddColumn, kFillColumn}, 3), "none");
    EXPECT_EQ(version(), 3);
}

TEST_F(Migrations, ATableThatIsRemadeKeepsWhatRefersToIt)
{
    constexpr Migration remake{1, 2,
                               "CREATE TABLE users_2 AS SELECT * FROM users;"
                               "DROP TABLE users;"
                               "CREATE TABLE users (name TEXT PRIMARY KEY, id INTEGER NOT NULL UNIQUE);"
                               "INSERT INTO users SELECT name, id FROM users_2;"
                               "DROP TABLE users_2;"};
    EXPECT_EQ(migrated({remake}, 2), "none");
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
    EXPECT_EQ(version(), 1);
    EXPECT_EQ(number("SELECT COUNT(*) FROM pragma_table_info('users') WHERE name = 'colour'"), 0);
    EXPECT_EQ(number("SELECT COUNT(*) FROM totp"), 1);
    EXPECT_EQ(number("SELECT COUNT(*) FROM sqlite_schema WHERE name = 'extra'"), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Errors, MigrationsRefused,
    testing::Values(
        RefusedMigration{
            "ANewerSchema", {}, 0, "schema version 1, newer than 0, which this program knows: upgrade"},
        RefusedMigration{"NoStepFromHere", {kFillColumn}, 3, "schema version 1, which nothing leads on from"},
        RefusedMigration{
            "AGapInTheMiddle", {kAddColumn, {3, 4, ""}}, 4, "schema version 2, which nothing leads on from"},
        RefusedMigration{"AStepThatFails", {kAddColumn, kBroken}, 3, "table users already exists"},
        RefusedMigration{
            "AStepThatLeadsTooFar", {kAddColumn, {2, 4, ""}}, 3, "schema version 4, newer than 3"},
        RefusedMigration{"AStepThatLeadsNowhere", {{1, 1, ""}}, 2, "which nothing leads on from"},
        RefusedMigration{"ALostParent", {{1, 2, "DELETE FROM users;"}}, 2, "refers to nothing"}),
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

/// Every table with its columns, every index and trigger: what a program can tell of a schema.
std::vector<std::string> schema_of(const SQLite::Database& database)
{
    SQLite::Statement rows(
        database,
        "SELECT s.type || ' ' || s.name || ' ' || s.tbl_name || ' ' || COALESCE(c.cid || ' ' || c.name || ' '"
        " || c.type || ' ' || c.\"notnull\" || ' ' || COALESCE(c.dflt_value, '-') || ' ' || c.pk, '')"
        " FROM sqlite_schema s LEFT JOIN pragma_table_xinfo(s.name) c"
        " WHERE s.name NOT LIKE 'sqlite_autoindex%' ORDER BY 1");
    std::vector<std::string> schema;
    while (rows.executeStep()) schema.push_back(rows.getColumn(0).getString());
    return schema;
}

TEST(MigrationsOfTheProgram, AnOldDatabaseBecomesWhatANewOneIs)
{
    const support::TemporaryDirectory directory;
    const auto file = directory / "old.db";
    SQLite::Database fresh(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    fresh.exec(read("sql/schema.sql"));
    {
        SQLite::Database old(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        old.exec(read("tests/server/store/schema_version_1.sql"));
        old.exec(
            "INSERT INTO installation VALUES (1, 1, 1, zeroblob(64));"
            "INSERT INTO audit (at, event, outcome) VALUES (1, 'login', 'granted')");
        EXPECT_NE(schema_of(old), schema_of(fresh));
    }
    Connection connection(file, Connection::Use::write, std::chrono::seconds(1));
    migrate(connection, migrations(), kSchemaVersion);
    EXPECT_EQ(schema_of(connection.database()), schema_of(fresh));
    EXPECT_EQ(connection.database().execAndGet("SELECT COUNT(*) FROM audit").getInt(), 1);
}

}  // namespace
}  // namespace securelogin::store
