// What server/auth/store.hpp promises of recovery codes and of passwords that must be changed, held against
// every store.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "server/auth/store.hpp"
#include "tests/contract/store_under_test.hpp"
#include "tests/support/fake_clock.hpp"

namespace securelogin::contract {
namespace {

using auth::Account;
using auth::RecoveryCodeHash;
using auth::StoreError;
using auth::Transaction;
using auth::UserId;
using auth::UserName;
using support::kNoon;
using namespace std::chrono_literals;

RecoveryCodeHash hash(std::uint8_t byte)
{
    RecoveryCodeHash hash{};
    hash.fill(byte);
    return hash;
}

class RecoveryContract : public testing::TestWithParam<StoreKind> {
  protected:
    auth::Store& store() { return under_test_->store(); }
    void transact(const auth::Store::Work& work) { auth::transact(store(), work); }

    Account add(std::string_view user, std::int64_t id)
    {
        const auth::NewAccount account{.id = UserId(id),
                                       .name = UserName::parse(user).value(),
                                       .phc = Secret::copy_of("$argon2id$"),
                                       .totp_secret = Secret::copy_of("secret"),
                                       .totp = {},
                                       .created_at = kNoon};
        transact([&](Transaction& transaction) { EXPECT_TRUE(transaction.add_account(account)); });
        return found(user);
    }
    Account found(std::string_view user)
    {
        std::optional<Account> account;
        transact([&](Transaction& t) { account = t.find_account(UserName::parse(user).value()); });
        return account.value();
    }
    void set(const Account& account, const std::vector<RecoveryCodeHash>& hashes)
    {
        transact([&](Transaction& transaction) { transaction.set_recovery_codes(account, hashes); });
    }
    bool spend(UserId user, std::uint8_t byte)
    {
        bool spent = false;
        transact(
            [&](Transaction& transaction) { spent = transaction.spend_recovery_code(user, hash(byte)); });
        return spent;
    }
    /// As a transaction and as a reader see it.
    int left(UserId user)
    {
        int count = 0;
        transact([&](Transaction& transaction) { count = transaction.count_recovery_codes(user); });
        EXPECT_EQ(store().open_reader()->count_recovery_codes(user), count);
        return count;
    }

    std::unique_ptr<StoreUnderTest> under_test_ = GetParam().make();
};

INSTANTIATE_TEST_SUITE_P(Stores, RecoveryContract,
                         testing::Values(StoreKind{"Memory", make_memory_store},
                                         StoreKind{"Sqlite", make_sqlite_store}),
                         [](const auto& row) { return row.param.name; });

TEST_P(RecoveryContract, ANewAccountHasNone)
{
    const auto alice = add("alice", 17);
    EXPECT_EQ(alice.recovery_codes_made, 0);
    EXPECT_EQ(left(alice.id), 0);
    EXPECT_FALSE(spend(alice.id, 1));
}

TEST_P(RecoveryContract, EachWorksOnce)
{
    const auto alice = add("alice", 17);
    set(alice, {hash(1), hash(2), hash(3)});
    EXPECT_EQ(found("alice").recovery_codes_made, 3);
    EXPECT_TRUE(spend(alice.id, 2));
    EXPECT_FALSE(spend(alice.id, 2));
    EXPECT_FALSE(spend(alice.id, 4));
    EXPECT_EQ(left(alice.id), 2);
    EXPECT_EQ(found("alice").recovery_codes_made, 3);
    EXPECT_TRUE(spend(alice.id, 1));
    EXPECT_TRUE(spend(alice.id, 3));
    EXPECT_EQ(left(alice.id), 0);
}

TEST_P(RecoveryContract, AreTheirUsersAlone)
{
    const auto alice = add("alice", 17);
    const auto bob = add("bob", 18);
    set(alice, {hash(1)});
    set(bob, {hash(1), hash(2)});
    EXPECT_FALSE(spend(alice.id, 2));
    EXPECT_FALSE(spend(UserId{99}, 1));
    EXPECT_TRUE(spend(alice.id, 1));
    EXPECT_EQ(left(bob.id), 2);
}

TEST_P(RecoveryContract, NewOnesTakeThePlaceOfAllOlderOnes)
{
    const auto alice = add("alice", 17);
    set(alice, {hash(1), hash(2)});
    EXPECT_TRUE(spend(alice.id, 1));
    set(alice, {hash(1), hash(3)});
    EXPECT_FALSE(spend(alice.id, 2));
    EXPECT_TRUE(spend(alice.id, 1)) << "one that comes back is a new one";
    EXPECT_TRUE(spend(alice.id, 3));
    set(alice, {});
    EXPECT_EQ(left(alice.id), 0);
    EXPECT_EQ(found("alice").recovery_codes_made, 0);
}

TEST_P(RecoveryContract, GoWithTheAccount)
{
    const auto alice = add("alice", 17);
    set(alice, {hash(1)});
    transact([&](Transaction& transaction) { transaction.remove_account(alice); });
    EXPECT_EQ(left(alice.id), 0);
    EXPECT_FALSE(spend(alice.id, 1));
    EXPECT_THROW(set(alice, {hash(1)}), StoreError);
    EXPECT_EQ(left(alice.id), 0);
}

TEST_P(RecoveryContract, TheSameOneTwiceIsRefusedAndNothingIsChanged)
{
    const auto alice = add("alice", 17);
    set(alice, {hash(1), hash(2)});
    EXPECT_THROW(set(alice, {hash(3), hash(3)}), StoreError);
    EXPECT_EQ(left(alice.id), 2);
    EXPECT_EQ(found("alice").recovery_codes_made, 2);
}

TEST_P(RecoveryContract, AreMadeInTheTransactionThatMakesTheAccount)
{
    const auto name = UserName::parse("alice").value();
    transact([&](Transaction& transaction) {
        const auth::NewAccount account{.id = UserId{17},
                                       .name = name,
                                       .phc = Secret::copy_of("$argon2id$"),
                                       .totp_secret = Secret::copy_of("secret"),
                                       .totp = {},
                                       .created_at = kNoon};
        ASSERT_TRUE(transaction.add_account(account));
        const auto added = transaction.find_account(name);
        ASSERT_TRUE(added);
        const std::vector hashes{hash(1), hash(2)};
        transaction.set_recovery_codes(*added, hashes);
    });
    EXPECT_EQ(left(UserId{17}), 2);
}

TEST_P(RecoveryContract, OneThatWasSpentInATransactionThatFailedIsStillGood)
{
    const auto alice = add("alice", 17);
    set(alice, {hash(1)});
    EXPECT_ANY_THROW(transact([&](Transaction& transaction) {
        EXPECT_TRUE(transaction.spend_recovery_code(alice.id, hash(1)));
        throw std::runtime_error("afterwards");
    }));
    EXPECT_TRUE(spend(alice.id, 1));
}

TEST_P(RecoveryContract, OfManyThreadsOneSpendsACode)
{
    const auto alice = add("alice", 17);
    set(alice, {hash(1)});
    std::atomic<int> spent = 0;
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 8; ++thread) {
        threads.emplace_back([&] { spent += spend(alice.id, 1) ? 1 : 0; });
    }
    threads.clear();
    EXPECT_EQ(spent, 1);
}

// Passwords that must be changed

TEST_P(RecoveryContract, MustChangeUntilThereIsANewPassword)
{
    auto alice = add("alice", 17);
    const auto bob = add("bob", 18);
    EXPECT_FALSE(alice.must_change);
    transact([&](Transaction& transaction) { transaction.require_new_password(alice); });
    EXPECT_TRUE(found("alice").must_change);
    EXPECT_TRUE(store().open_reader()->find_account(alice.name)->must_change);
    EXPECT_FALSE(found("bob").must_change);
    transact([&](Transaction& transaction) {
        EXPECT_TRUE(transaction.renew_password_hash(alice, 0, Secret::copy_of("the same")));
        transaction.set_password(bob, Secret::copy_of("new"), kNoon + 1h);
    });
    EXPECT_TRUE(found("alice").must_change) << "the same password, hashed anew, is not a new one";
    transact([&](Transaction& transaction) {
        transaction.set_password(alice, Secret::copy_of("new"), kNoon + 1h);
    });
    EXPECT_FALSE(found("alice").must_change);
    EXPECT_EQ(found("alice").password_epoch, 1);
}

TEST_P(RecoveryContract, NobodyMustChangeWhoIsGone)
{
    const auto alice = add("alice", 17);
    transact([&](Transaction& transaction) { transaction.remove_account(alice); });
    EXPECT_THROW(transact([&](Transaction& transaction) { transaction.require_new_password(alice); }),
                 StoreError);
}

}  // namespace
}  // namespace securelogin::contract
