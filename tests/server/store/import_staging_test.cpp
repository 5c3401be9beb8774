#include "server/store/import_staging.hpp"

#include <SQLiteCpp/Database.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/server/store/test_store.hpp"

namespace securelogin::store {
namespace {

auth::MasterKeySource keys(char octet = 'k')
{
    return [octet] {
        std::vector<auth::MasterKey> all;
        all.push_back(master_key(octet));
        return all;
    };
}

class ImportStagingTest : public testing::Test {
  protected:
    ImportStagingTest() : store_(open_store(file_)) { add(*store_, "zoe", 1); }

    StagedAccount account(const ImportStaging& staging, const std::string& spelled, std::int64_t id,
                          bool with_key = true)
    {
        StagedAccount made{.id = auth::UserId{id},
                           .name = auth::UserName::parse(spelled).value(),
                           .spelled = spelled,
                           .row = static_cast<std::uint64_t>(id),
                           .invited = !with_key};
        made.password =
            staging.seal_password(Secret::copy_of("phc-of-" + spelled), made.id, made.name, nonces_);
        if (with_key)
            made.totp_secret =
                staging.seal_totp(Secret::copy_of("key-of-" + spelled), made.id, made.name, nonces_);
        return made;
    }
    void invite(const char* who, auth::Time until)
    {
        transact(*store_, [&](auth::Transaction& t) {
            t.save_invitation({.name = name(who),
                               .hash = {static_cast<std::uint8_t>(who[0])},
                               .created_at = until - std::chrono::hours(24),
                               .expires_at = until,
                               .mac = {}});
        });
    }
    std::string number(const std::string& query)
    {
        return SQLite::Database(file_.string()).execAndGet(query).getString();
    }
    std::string users() { return number("SELECT GROUP_CONCAT(name) FROM users"); }

    support::TemporaryDirectory directory_;
    std::filesystem::path file_ = directory_.path() / "securelogin.db";
    std::unique_ptr<auth::Store> store_;
    Nonces nonces_;
};

ImportStaging::Publication publication() { return {.now = support::kNoon, .reason = "2 accounts"}; }

TEST_F(ImportStagingTest, PublishesAccountsThatTheStoreReads)
{
    ImportStaging staging(file_, keys());
    EXPECT_FALSE(staging.stage(account(staging, "Bob", 20)));
    EXPECT_FALSE(staging.stage(account(staging, "alice", 10, false)));
    EXPECT_EQ(users(), "zoe") << "before it is published nobody sees it";
    EXPECT_EQ(staging.publish(publication()).accounts, 2U);

    const auto reader = store_->open_reader();
    const auto bob = reader->find_account(name("bob"));
    ASSERT_TRUE(bob && bob->totp);
    EXPECT_EQ(bob->created_at, support::kNoon);
    EXPECT_EQ(reader->find_password(name("bob"))->phc.view(), "phc-of-Bob");
    auth::transact(*store_, [&](auth::Transaction& transaction) {
        EXPECT_EQ(transaction.totp_secret(*bob).view(), "key-of-Bob");
    });
    const auto alice = reader->find_account(name("alice"));
    ASSERT_TRUE(alice);
    EXPECT_FALSE(alice->totp);
    EXPECT_EQ(number("SELECT event || ' ' || reason FROM audit ORDER BY id DESC LIMIT 1"),
              "user.import 2 accounts");
}

TEST_F(ImportStagingTest, HasNoNameInTheDirectory)
{
    const ImportStaging staging(file_, keys());
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path()))
        EXPECT_TRUE(entry.path().filename().string().starts_with("securelogin.db")) << entry.path();
}

TEST_F(ImportStagingTest, TellsNamesakesByRowAndSpelling)
{
    ImportStaging staging(file_, keys());
    EXPECT_FALSE(staging.stage(account(staging, "Bob", 20)));
    const auto namesake = staging.stage(account(staging, "bOB", 21));
    ASSERT_TRUE(namesake);
    EXPECT_EQ(namesake->spelled, "Bob");
    EXPECT_EQ(namesake->row, 20U);
    EXPECT_EQ(staging.publish(publication()).accounts, 1U);
}

TEST_F(ImportStagingTest, DropsWhoHasAnAccount)
{
    ImportStaging staging(file_, keys());
    EXPECT_FALSE(staging.stage(account(staging, "ZOE", 20)));
    EXPECT_FALSE(staging.stage(account(staging, "anna", 21)));
    std::vector<std::string> dropped;
    staging.drop_taken(support::kNoon, [&](const ImportStaging::Taken& taken) {
        dropped.push_back(std::to_string(taken.staged.row) + ' ' + taken.staged.spelled + ' ' + taken.name +
                          (taken.invited ? " invited" : ""));
    });
    EXPECT_EQ(dropped, std::vector<std::string>{"20 ZOE zoe"});
    EXPECT_EQ(staging.publish(publication()).accounts, 1U);
    EXPECT_EQ(users(), "anna,zoe");
    EXPECT_EQ(store_->open_reader()->find_password(name("zoe"))->phc.view(), "hash-of-zoe");
}

TEST_F(ImportStagingTest, DropsWhoIsInvited)
{
    invite("anna", support::kNoon + std::chrono::hours(1));
    invite("berta", support::kNoon - std::chrono::hours(1));
    ImportStaging staging(file_, keys());
    EXPECT_FALSE(staging.stage(account(staging, "Anna", 20)));
    EXPECT_FALSE(staging.stage(account(staging, "berta", 21)));
    std::vector<std::string> dropped;
    staging.drop_taken(support::kNoon, [&](const auto& taken) { dropped.push_back(taken.name); });
    EXPECT_EQ(dropped, std::vector<std::string>{"anna"}) << "berta's has expired";
    EXPECT_EQ(staging.publish(publication()).accounts, 1U);
    EXPECT_EQ(users(), "berta,zoe");
}

TEST_F(ImportStagingTest, WhoWasInvitedMeanwhileLeavesEverythingAsItIs)
{
    ImportStaging staging(file_, keys());
    EXPECT_FALSE(staging.stage(account(staging, "anna", 20)));
    staging.drop_taken(support::kNoon, [](const auto&) { FAIL(); });
    invite("anna", support::kNoon + std::chrono::hours(1));
    EXPECT_NE(refusal([&] { (void)staging.publish(publication()); }).find("meanwhile"), std::string::npos);
    EXPECT_EQ(users(), "zoe");
}

TEST_F(ImportStagingTest, WhoWasAddedMeanwhileLeavesEverythingAsItIs)
{
    ImportStaging staging(file_, keys());
    EXPECT_FALSE(staging.stage(account(staging, "anna", 20)));
    EXPECT_FALSE(staging.stage(account(staging, "berta", 21)));
    staging.drop_taken(support::kNoon, [](const auto&) { FAIL(); });
    add(*store_, "berta", 99);
    EXPECT_NE(refusal([&] { (void)staging.publish(publication()); }).find("meanwhile"), std::string::npos);
    EXPECT_EQ(users(), "berta,zoe");
    EXPECT_EQ(number("SELECT COUNT(*) FROM audit WHERE event = 'user.import'"), "0");
}

TEST_F(ImportStagingTest, AnIdThatIsTakenLeavesEverythingAsItIs)
{
    ImportStaging staging(file_, keys());
    EXPECT_FALSE(staging.stage(account(staging, "anna", 20)));
    EXPECT_FALSE(staging.stage(account(staging, "berta", 1)));
    EXPECT_NE(refusal([&] { (void)staging.publish(publication()); }), "none");
    EXPECT_EQ(users(), "zoe");
}

TEST_F(ImportStagingTest, WhatIsThrownAtTheLastMomentLeavesEverythingAsItIs)
{
    ImportStaging staging(file_, keys());
    EXPECT_FALSE(staging.stage(account(staging, "anna", 20, false)));
    std::vector<std::string> invited;
    auto published = publication();
    published.invite = [&](auth::Transaction& transaction, const auth::UserName& who) {
        EXPECT_TRUE(transaction.find_account(who)) << "the account is there by then";
        invited.push_back(who.str());
    };
    published.before_commit = [] { throw std::runtime_error("no room for the invitations"); };
    EXPECT_THROW((void)staging.publish(published), std::runtime_error);
    EXPECT_EQ(invited, std::vector<std::string>{"anna"});
    EXPECT_EQ(users(), "zoe");
}

TEST_F(ImportStagingTest, ManyGoInChunks)
{
    constexpr int many = 10'000;  // more than two chunks
    ImportStaging staging(file_, keys());
    int invitations = 0;
    for (int i = 0; i < many; ++i) {
        auto one = account(staging, "user" + std::to_string(i), 100 + i, i % 2 == 0);
        EXPECT_FALSE(staging.stage(one));
    }
    auto published = publication();
    published.invite = [&](auth::Transaction&, const auth::UserName&) { ++invitations; };
    EXPECT_EQ(staging.publish(published).accounts, 10'000U);
    EXPECT_EQ(invitations, many / 2);
    EXPECT_EQ(number("SELECT COUNT(*) FROM users"), "10001");
    EXPECT_EQ(number("SELECT COUNT(*) FROM totp"), "5001");
    EXPECT_EQ(number("PRAGMA integrity_check"), "ok");
}

TEST_F(ImportStagingTest, HoldsNobodyUpBeforeItIsPublished)
{
    ImportStaging staging(file_, keys());
    EXPECT_FALSE(staging.stage(account(staging, "anna", 20)));
    add(*store_, "berta", 30);
    EXPECT_EQ(users(), "berta,zoe");
}

TEST_F(ImportStagingTest, TriesWithoutChangingAnything)
{
    const auto before = number("SELECT COUNT(*) FROM audit");
    ImportStaging staging(file_);
    StagedAccount zoe{.id = auth::UserId{5}, .name = name("zoe"), .spelled = "Zoe", .row = 7};
    EXPECT_FALSE(staging.stage(zoe));
    int taken = 0;
    staging.drop_taken(support::kNoon, [&](const auto&) { ++taken; });
    EXPECT_EQ(taken, 1);
    EXPECT_EQ(users(), "zoe");
    EXPECT_EQ(number("SELECT COUNT(*) FROM audit"), before);
}

TEST_F(ImportStagingTest, TriesWithoutADatabase)
{
    ImportStaging staging(std::nullopt);
    StagedAccount zoe{.id = auth::UserId{5}, .name = name("zoe"), .spelled = "Zoe", .row = 7};
    EXPECT_FALSE(staging.stage(zoe));
    EXPECT_TRUE(staging.stage(zoe));
    staging.drop_taken(support::kNoon, [](const auto&) { FAIL(); });
}

TEST_F(ImportStagingTest, UnderAnotherKeyIsRefused)
{
    EXPECT_NE(refusal([&] { const ImportStaging staging(file_, keys('x')); }).find("another master key"),
              std::string::npos);
}

}  // namespace
}  // namespace securelogin::store
