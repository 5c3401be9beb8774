#include "server/store/foreign_users.hpp"

#include <SQLiteCpp/Database.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/server/store/test_store.hpp"

namespace securelogin::store {
namespace {

constexpr const char* kSocket =
    "CREATE TABLE IF NOT EXISTS userdata (id INTEGER PRIMARY KEY, username VARCHAR(255) NOT NULL,"
    " password VARCHAR(255) NOT NULL);"
    "INSERT INTO userdata (username, password) VALUES ('mike', 'aa'), ('anna', 'bb')";
constexpr const char* kFlask =
    "CREATE TABLE user (id INTEGER NOT NULL, username VARCHAR(80) NOT NULL, otp_secret VARCHAR(16),"
    " PRIMARY KEY (id), UNIQUE (username));"
    "INSERT INTO user VALUES (7, 'alice', 'JBSWY3DPEHPK3PXP'), (9, 'bob', NULL)";

class ForeignUsersTest : public testing::Test {
  protected:
    std::filesystem::path database(const std::string& sql)
    {
        const auto file = directory_.path() / "foreign.db";
        SQLite::Database(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec(sql);
        return file;
    }
    static std::vector<std::string> read(ForeignUsers& users, ForeignKind kind)
    {
        std::vector<std::string> rows;
        users.for_each(kind, [&](const ForeignUser& user) {
            rows.push_back(std::to_string(user.row) + ' ' + user.name.value_or("-") + ' ' +
                           user.credential.value_or("-"));
        });
        return rows;
    }

    support::TemporaryDirectory directory_;
};

using Kinds = std::vector<ForeignKind>;
using Rows = std::vector<std::string>;

TEST_F(ForeignUsersTest, OfTheSocketServerAreRead)
{
    ForeignUsers users(database(kSocket));
    EXPECT_EQ(users.kinds(), Kinds{ForeignKind::socket});
    EXPECT_EQ(users.count(ForeignKind::socket), 2U);
    EXPECT_EQ(read(users, ForeignKind::socket), (Rows{"1 mike aa", "2 anna bb"}));
}

TEST_F(ForeignUsersTest, OfTheFlaskProgramAreRead)
{
    ForeignUsers users(database(kFlask));
    EXPECT_EQ(users.kinds(), Kinds{ForeignKind::flask});
    EXPECT_EQ(read(users, ForeignKind::flask), (Rows{"7 alice JBSWY3DPEHPK3PXP", "9 bob -"}));
}

TEST_F(ForeignUsersTest, WhatIsNoTextIsNothing)
{
    ForeignUsers users(
        database("CREATE TABLE userdata (username, password);"
                 "INSERT INTO userdata VALUES (NULL, x'00'), (1, 2.5)"));
    EXPECT_EQ(read(users, ForeignKind::socket), (Rows{"1 - -", "2 - -"}));
}

TEST_F(ForeignUsersTest, OfOtherTablesAreNone)
{
    ForeignUsers users(database("CREATE TABLE users (username, password); CREATE TABLE user (name)"));
    EXPECT_EQ(users.kinds(), Kinds{});
    EXPECT_NE(refusal([&] { (void)read(users, ForeignKind::flask); }), "none");
}

TEST_F(ForeignUsersTest, OfBothAreBoth)
{
    ForeignUsers users(database(std::string(kSocket) + ";" + kFlask));
    EXPECT_EQ(users.kinds(), (Kinds{ForeignKind::socket, ForeignKind::flask}));
}

TEST_F(ForeignUsersTest, LeaveTheFileAsItIs)
{
    const auto file = database(kSocket);
    std::filesystem::permissions(file, std::filesystem::perms::owner_read);
    const auto before = std::filesystem::last_write_time(file);
    ForeignUsers users(file);
    (void)read(users, ForeignKind::socket);
    EXPECT_EQ(std::filesystem::last_write_time(file), before);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_.path()), {}), 1);
}

TEST_F(ForeignUsersTest, OfAFileThatIsNoDatabaseAreRefused)
{
    const auto file = directory_.path() / "text";
    std::ofstream(file) << std::string(4096, 'x');
    EXPECT_NE(refusal([&] { (void)ForeignUsers(file).kinds(); }).find("not a database"), std::string::npos);
    EXPECT_NE(refusal([&] { const ForeignUsers users(directory_.path() / "none"); }), "none");
}

}  // namespace
}  // namespace securelogin::store
