// What server/auth/store.hpp promises of invitations, held against every store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "server/auth/invitation.hpp"
#include "server/auth/store.hpp"
#include "tests/contract/store_under_test.hpp"
#include "tests/support/fake_clock.hpp"

namespace securelogin::contract {
namespace {

using auth::Invitation;
using auth::StoreError;
using auth::Time;
using auth::Transaction;
using auth::UserName;
using support::kNoon;
using testing::ElementsAre;
using namespace std::chrono_literals;

UserName name(std::string_view text) { return UserName::parse(text).value(); }

Invitation invitation(std::string_view user, std::uint8_t byte, Time expires_at = kNoon + 1h)
{
    Invitation made{.name = name(user), .hash = {}, .created_at = kNoon, .expires_at = expires_at, .mac = {}};
    made.hash.fill(byte);
    made.mac.fill(static_cast<std::uint8_t>(byte + 1));
    return made;
}

std::string show(const std::optional<Invitation>& found)
{
    if (!found) return "none";
    const auto seconds = [](Time time) { return std::to_string((time - kNoon).count()); };
    return found->name.str() + " hash " + std::to_string(found->hash.back()) + " mac " +
           std::to_string(found->mac.back()) + " created " + seconds(found->created_at) + " expires " +
           seconds(found->expires_at);
}

class InvitationContract : public testing::TestWithParam<StoreKind> {
  protected:
    auth::Store& store() { return under_test_->store(); }
    void transact(const auth::Store::Work& work) { auth::transact(store(), work); }
    bool commit(const std::function<bool(Transaction&)>& change)
    {
        bool done = false;
        transact([&](Transaction& transaction) { done = change(transaction); });
        return done;
    }
    void save(const Invitation& invited)
    {
        transact([&](Transaction& transaction) { transaction.save_invitation(invited); });
    }
    bool spend(const Invitation& invited, Time now)
    {
        return commit([&](Transaction& transaction) { return transaction.spend_invitation(invited, now); });
    }
    std::string of_name(std::string_view user)
    {
        std::string found;
        transact([&](Transaction& transaction) { found = show(transaction.invitation_of(name(user))); });
        EXPECT_EQ(show(store().open_reader()->invitation_of(name(user))), found) << "as a reader sees it";
        return found;
    }
    std::string of_hash(std::uint8_t byte)
    {
        std::string found;
        transact([&](Transaction& transaction) {
            found = show(transaction.find_invitation(invitation("x", byte).hash));
        });
        return found;
    }
    std::vector<std::string> all()
    {
        std::vector<std::string> names;
        store().open_reader()->for_each_invitation(
            [&](const Invitation& invited) { names.push_back(invited.name.str()); });
        return names;
    }

    std::unique_ptr<StoreUnderTest> under_test_ = GetParam().make();
};

INSTANTIATE_TEST_SUITE_P(Stores, InvitationContract,
                         testing::Values(StoreKind{"Memory", make_memory_store},
                                         StoreKind{"Sqlite", make_sqlite_store}),
                         [](const auto& row) { return row.param.name; });

TEST_P(InvitationContract, IsFoundByNameAndByHash)
{
    save(invitation("carol", 1));
    const std::string carols = "carol hash 1 mac 2 created 0 expires 3600";
    EXPECT_EQ(of_name("carol"), carols);
    EXPECT_EQ(of_hash(1), carols);
    EXPECT_EQ(of_name("bob"), "none");
    EXPECT_EQ(of_hash(2), "none");
}

TEST_P(InvitationContract, ALaterOneTakesThePlaceOfTheEarlier)
{
    save(invitation("carol", 1));
    save(invitation("carol", 5, kNoon + 2h));
    EXPECT_EQ(of_name("carol"), "carol hash 5 mac 6 created 0 expires 7200");
    EXPECT_EQ(of_hash(1), "none");
}

TEST_P(InvitationContract, OneHashIsOnePersons)
{
    save(invitation("carol", 1));
    EXPECT_THROW(save(invitation("bob", 1)), StoreError);
    EXPECT_EQ(of_name("bob"), "none");
}

TEST_P(InvitationContract, IsSpentOnce)
{
    const auto carols = invitation("carol", 1);
    save(carols);
    EXPECT_TRUE(spend(carols, kNoon));
    EXPECT_FALSE(spend(carols, kNoon));
    EXPECT_EQ(of_name("carol"), "none");
}

TEST_P(InvitationContract, IsSpentOnlyAsItIs)
{
    save(invitation("carol", 1));
    save(invitation("bob", 2));
    EXPECT_FALSE(spend(invitation("carol", 2), kNoon)) << "bob's";
    EXPECT_FALSE(spend(invitation("carol", 3), kNoon)) << "nobody's";
    EXPECT_THAT(all(), ElementsAre("bob", "carol"));
}

TEST_P(InvitationContract, ExpiresAtAnOpenEnd)
{
    const auto carols = invitation("carol", 1);
    save(carols);
    EXPECT_FALSE(spend(carols, kNoon + 1h));
    EXPECT_FALSE(spend(carols, kNoon + 2h));
    EXPECT_TRUE(spend(carols, kNoon + 1h - 1s));
}

TEST_P(InvitationContract, OfManyWhoSpendItOneWins)
{
    const auto carols = invitation("carol", 1);
    save(carols);
    std::atomic<int> winners = 0;
    {
        std::vector<std::jthread> clients;
        for (int i = 0; i < 8; ++i) clients.emplace_back([&] { winners += spend(carols, kNoon) ? 1 : 0; });
    }
    EXPECT_EQ(winners, 1);
}

TEST_P(InvitationContract, IsNotSpentByWorkThatFails)
{
    const auto carols = invitation("carol", 1);
    save(carols);
    EXPECT_THROW(transact([&](Transaction& transaction) {
                     EXPECT_TRUE(transaction.spend_invitation(carols, kNoon));
                     throw std::runtime_error("on purpose");
                 }),
                 std::runtime_error);
    EXPECT_TRUE(spend(carols, kNoon));
}

TEST_P(InvitationContract, IsRemovedWhateverItIs)
{
    save(invitation("carol", 1, kNoon + 1s));
    const auto remove = [](Transaction& transaction) { return transaction.remove_invitation(name("carol")); };
    EXPECT_TRUE(commit(remove));
    EXPECT_FALSE(commit(remove));
}

TEST_P(InvitationContract, AllAreVisitedInTheOrderOfNames)
{
    EXPECT_TRUE(all().empty());
    for (int i = 0; i < 255; ++i) {
        const auto number = std::to_string(100 + i);
        transact([&](Transaction& transaction) {
            for (const char* who : {"n", "a"}) {  // more than a page of them
                auto made = invitation(who + number, static_cast<std::uint8_t>(i));
                made.hash.front() = static_cast<std::uint8_t>(*who);
                transaction.save_invitation(made);
            }
        });
    }
    const auto names = all();
    EXPECT_EQ(names.size(), 510U);
    EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
}

TEST_P(InvitationContract, ExpiredOnesArePurgedSoManyAtATime)
{
    save(invitation("alice", 1, kNoon + 10s));
    save(invitation("bob", 2, kNoon + 11s));
    save(invitation("carol", 3, kNoon + 12s));
    const auto purge = [&](std::size_t rows) {
        return commit([&](Transaction& transaction) {
            return transaction.purge(
                {.now = kNoon + 11s, .forgotten = kNoon, .forgotten_source = kNoon, .rows = rows});
        });
    };
    EXPECT_TRUE(purge(1));
    EXPECT_EQ(all().size(), 2U);
    EXPECT_TRUE(purge(1));
    EXPECT_FALSE(purge(1));
    EXPECT_THAT(all(), ElementsAre("carol"));
}

TEST_P(InvitationContract, AKeyThatIsTakenAwayIsGone)
{
    const auth::NewAccount made{.id = auth::UserId(17),
                                .name = name("alice"),
                                .phc = Secret::copy_of("$argon2id$of-alice"),
                                .totp_secret = Secret::copy_of("secret-of-alice"),
                                .totp = {},
                                .created_at = kNoon};
    transact([&](Transaction& transaction) {
        ASSERT_TRUE(transaction.add_account(made));
        transaction.remove_totp(transaction.find_account(name("alice")).value());
        transaction.remove_totp(transaction.find_account(name("alice")).value());  // there is nothing to do
    });
    transact([&](Transaction& transaction) {
        const auto alice = transaction.find_account(name("alice")).value();
        EXPECT_FALSE(alice.totp);
        EXPECT_FALSE(transaction.spend_step(alice.id, 1));
        transaction.set_totp(alice, Secret::copy_of("another"), {}, kNoon + 1h);
        EXPECT_EQ(transaction.totp_secret(alice).view(), "another");
        EXPECT_TRUE(transaction.spend_step(alice.id, 1));
    });
}

}  // namespace
}  // namespace securelogin::contract
