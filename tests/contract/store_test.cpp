// What server/auth/store.hpp promises, held against every store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <latch>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "server/auth/audit_verifier.hpp"
#include "server/auth/store.hpp"
#include "tests/contract/store_under_test.hpp"
#include "tests/support/fake_clock.hpp"

namespace securelogin::contract {
namespace {

using auth::Account;
using auth::AccountState;
using auth::Failures;
using auth::Reader;
using auth::Session;
using auth::Source;
using auth::StoreError;
using auth::Transaction;
using auth::UserId;
using auth::UserName;
using support::kNoon;
using testing::ElementsAre;
using namespace std::chrono_literals;

UserName name(std::string_view text) { return UserName::parse(text).value(); }

auth::NameKey key(std::uint8_t byte)
{
    auth::NameKey key{};
    key.fill(byte);
    return key;
}

const Source kHome = Source::from_address("192.0.2.7");

auth::NewAccount new_account(std::string_view user, std::int64_t id)
{
    return {.id = UserId(id),
            .name = name(user),
            .phc = Secret::copy_of("$argon2id$of-" + std::string(user)),
            .totp_secret = Secret::copy_of("secret-of-" + std::string(user)),
            .totp = {.algorithm = auth::TotpAlgorithm::sha256, .digits = 8, .period = 60s},
            .created_at = kNoon};
}

Session session_of(UserId user, const std::string& id)
{
    return {.user = user,
            .id = id,
            .opened_at = kNoon,
            .expires_at = kNoon + 12h,
            .last_used_at = kNoon,
            .source = "192.0.2.7"};
}

std::string show(const std::optional<Session>& session)
{
    if (!session) return "none";
    const auto seconds = [](auth::Time time) { return std::to_string((time - kNoon).count()); };
    return session->id + " opened " + seconds(session->opened_at) + " expires " +
           seconds(session->expires_at) + " used " + seconds(session->last_used_at) + " from " +
           session->source;
}

auth::TokenHash token_hash(std::uint8_t byte)
{
    auth::TokenHash hash{};
    hash.fill(byte);
    return hash;
}

auth::DeviceFingerprint fingerprint(std::uint8_t byte)
{
    auth::DeviceFingerprint fingerprint{};
    fingerprint.fill(byte);
    return fingerprint;
}

std::string show(const std::optional<auth::Device>& device)
{
    if (!device) return "none";
    const auto seconds = [](auth::Time time) { return std::to_string((time - kNoon).count()); };
    return std::to_string(device->fingerprint.back()) + " first " + seconds(device->first_seen) + " last " +
           seconds(device->last_seen) + " from " + device->source;
}

std::string what(const std::exception_ptr& error)
{
    if (!error) return "kept";
    try {
        std::rethrow_exception(error);
    } catch (const StoreError&) {
        return "StoreError";
    } catch (const std::exception& other) {
        return other.what();
    }
}

class StoreContract : public testing::TestWithParam<StoreKind> {
  protected:
    auth::Store& store() { return under_test_->store(); }
    void transact(const auth::Store::Work& work) { auth::transact(store(), work); }

    /// What `read` returns, in a transaction of its own.
    template <typename Read>
    auto within(Read read)
    {
        std::optional<decltype(read(std::declval<Transaction&>()))> result;
        transact([&](Transaction& transaction) { result.emplace(read(transaction)); });
        return std::move(*result);
    }

    Account add(std::string_view user, std::int64_t id)
    {
        transact(
            [&](Transaction& transaction) { EXPECT_TRUE(transaction.add_account(new_account(user, id))); });
        return found(user).value();
    }
    std::optional<Account> found(std::string_view user)
    {
        return within([&](Transaction& transaction) { return transaction.find_account(name(user)); });
    }
    std::string password_of(std::string_view user)
    {
        const auto stored = store().open_reader()->find_password(name(user));
        return stored ? std::string(stored->phc.view()) + " " + std::to_string(stored->epoch) : "none";
    }
    std::string secret_of(const Account& account)
    {
        return within(
            [&](Transaction& transaction) { return std::string(transaction.totp_secret(account).view()); });
    }
    bool spend(UserId user, auth::TimeStep step)
    {
        return within([&](Transaction& transaction) { return transaction.spend_step(user, step); });
    }
    void open(const Session& session)
    {
        transact([&](Transaction& transaction) { EXPECT_TRUE(transaction.open_session(session)); });
    }
    std::string session(UserId user, std::string_view id)
    {
        return show(within([&](Transaction& transaction) { return transaction.find_session(user, id); }));
    }
    void give_token(const Session& session, std::uint8_t byte)
    {
        transact([&](Transaction& transaction) { transaction.set_session_token(session, token_hash(byte)); });
    }
    /// As one reader sees it that is open all the time.
    std::string holder_of(std::uint8_t byte)
    {
        if (!tokens_) tokens_ = store().open_token_reader();
        const auto found = tokens_->find_token(token_hash(byte));
        if (!found) return "none";
        const auto* const holder = &found->holder;
        const auto seconds = [](auth::Time time) { return std::to_string((time - kNoon).count()); };
        return holder->name.str() + " " + std::to_string(static_cast<std::int64_t>(holder->user)) + " " +
               holder->session + " expires " + seconds(holder->expires_at) + " used " +
               seconds(holder->last_used_at);
    }
    Failures failures(std::uint8_t name_byte, const Source& source)
    {
        return within([&](Transaction& transaction) { return transaction.failures(key(name_byte), source); });
    }
    void remember(UserId user, std::uint8_t device, auth::Time now, const std::string& source = "192.0.2.7")
    {
        transact([&](Transaction& t) { t.remember_device(user, fingerprint(device), now, source); });
    }
    /// Of each: first byte, seconds since noon of the first and the last login, source.  As the reader lists
    /// them.
    std::vector<std::string> devices(UserId user)
    {
        std::vector<std::string> shown;
        for (const auto& device : store().open_reader()->devices(user)) shown.push_back(show(device));
        return shown;
    }
    int refusals(std::uint8_t name_byte)
    {
        return within([&](Transaction& transaction) { return transaction.refusals(key(name_byte)); });
    }

    /// Submits all of it while the writer is busy, so that it gathers into one commit; what became of each.
    std::vector<std::string> in_one_batch(const std::vector<auth::Store::Work>& works)
    {
        std::promise<void> gate;
        const auto opened = gate.get_future().share();
        store().submit([opened](Transaction&) { opened.wait(); }, [](const std::exception_ptr&) {});
        std::vector<std::string> outcomes(works.size());
        std::latch answered(static_cast<std::ptrdiff_t>(works.size()));
        for (std::size_t i = 0; i < works.size(); ++i) {
            store().submit(works[i], [&outcomes, &answered, i](const std::exception_ptr& error) {
                outcomes[i] = what(error);
                answered.count_down();
            });
        }
        gate.set_value();
        answered.wait();
        return outcomes;
    }

    std::unique_ptr<StoreUnderTest> under_test_ = GetParam().make();
    std::unique_ptr<auth::TokenReader> tokens_;
};

INSTANTIATE_TEST_SUITE_P(Stores, StoreContract,
                         testing::Values(StoreKind{"Memory", make_memory_store},
                                         StoreKind{"Sqlite", make_sqlite_store}),
                         [](const auto& row) { return row.param.name; });

// Accounts

TEST_P(StoreContract, FindsNobodyWhereThereIsNobody)
{
    EXPECT_FALSE(found("alice"));
    EXPECT_EQ(password_of("alice"), "none");
    EXPECT_FALSE(store().open_reader()->find_account(name("alice")));
}

TEST_P(StoreContract, AnAccountIsFoundAsItWasAdded)
{
    add("alice", 17);
    const auto by_reader = store().open_reader()->find_account(name("alice"));
    for (const auto& account : {found("alice"), by_reader}) {
        ASSERT_TRUE(account);
        EXPECT_EQ(account->id, UserId(17));
        EXPECT_EQ(account->name, name("alice"));
        EXPECT_EQ(account->state, AccountState::active);
        EXPECT_EQ(account->created_at, kNoon);
        EXPECT_EQ(account->password_set_at, kNoon);
        EXPECT_EQ(account->password_epoch, 0);
        EXPECT_FALSE(account->last_login);
        ASSERT_TRUE(account->totp);
        EXPECT_EQ(account->totp->parameters, new_account("alice", 17).totp);
        EXPECT_EQ(account->totp->last_step, 0);
        EXPECT_EQ(account->totp->failures, 0);
        EXPECT_EQ(account->totp->enrolled_at, kNoon);
    }
    EXPECT_EQ(password_of("alice"), "$argon2id$of-alice 0");
    EXPECT_EQ(store().open_reader()->find_password(name("alice"))->user, UserId(17));
    EXPECT_EQ(secret_of(*by_reader), "secret-of-alice");
}

TEST_P(StoreContract, ATakenNameChangesNothing)
{
    add("alice", 17);
    auto second = new_account("alice", 18);
    second.phc = Secret::copy_of("another");
    EXPECT_FALSE(within([&](Transaction& transaction) { return transaction.add_account(second); }));
    EXPECT_EQ(found("alice")->id, UserId(17));
    EXPECT_EQ(password_of("alice"), "$argon2id$of-alice 0");
    EXPECT_EQ(secret_of(*found("alice")), "secret-of-alice");
}

TEST_P(StoreContract, AnIdIsNeverTwoUsers)
{
    add("alice", 17);
    EXPECT_THROW(
        transact([](Transaction& transaction) { (void)transaction.add_account(new_account("bob", 17)); }),
        StoreError);
    EXPECT_FALSE(found("bob"));
}

TEST_P(StoreContract, SecretsMayHoldAnyOctet)
{
    auto account = new_account("alice", 17);
    const std::string octets("\0\xFF\n\0", 4);
    account.totp_secret = Secret::copy_of(octets);
    transact([&](Transaction& transaction) { EXPECT_TRUE(transaction.add_account(account)); });
    EXPECT_EQ(secret_of(*found("alice")), octets);
}

TEST_P(StoreContract, AnAccountIsDisabledAndEnabled)
{
    const auto alice = add("alice", 17);
    add("bob", 18);
    for (const auto state : {AccountState::disabled, AccountState::active}) {
        transact([&](Transaction& transaction) { transaction.set_state(alice, state); });
        EXPECT_EQ(found("alice")->state, state);
        EXPECT_EQ(found("bob")->state, AccountState::active);
    }
}

TEST_P(StoreContract, RemovedGoesWithEnrolmentAndSessionsButNotWithItsAudit)
{
    const auto alice = add("alice", 17);
    const auto bob = add("bob", 18);
    open(session_of(alice.id, "aaaaaaaa"));
    open(session_of(bob.id, "bbbbbbbb"));
    transact([&](Transaction& transaction) {
        transaction.append_audit({.at = kNoon, .event = "login", .outcome = "granted", .user = alice.id});
        transaction.remove_account(alice);
    });
    EXPECT_FALSE(found("alice"));
    EXPECT_EQ(password_of("alice"), "none");
    EXPECT_EQ(session(alice.id, "aaaaaaaa"), "none");
    EXPECT_FALSE(spend(alice.id, 1));
    EXPECT_EQ(under_test_->audit().size(), 1U);
    EXPECT_TRUE(found("bob"));
    EXPECT_NE(session(bob.id, "bbbbbbbb"), "none");
}

TEST_P(StoreContract, ANameIsUsedAgainByAnotherId)
{
    const auto first = add("alice", 17);
    transact([&](Transaction& transaction) { transaction.remove_account(first); });
    add("alice", 18);
    EXPECT_EQ(found("alice")->id, UserId(18));
    EXPECT_THROW(transact([&](Transaction& transaction) { transaction.remove_account(first); }), StoreError);
    EXPECT_TRUE(found("alice"));
}

TEST_P(StoreContract, ANewPasswordIsANewEpoch)
{
    const auto alice = add("alice", 17);
    for (const int epoch : {1, 2}) {
        transact([&](Transaction& transaction) {
            transaction.set_password(alice, Secret::copy_of("new"), kNoon + std::chrono::hours(epoch));
        });
        EXPECT_EQ(password_of("alice"), "new " + std::to_string(epoch));
        EXPECT_EQ(found("alice")->password_epoch, epoch);
        EXPECT_EQ(found("alice")->password_set_at, kNoon + std::chrono::hours(epoch));
    }
}

TEST_P(StoreContract, ARenewedHashKeepsTheEpochAndIsRefusedForAnother)
{
    const auto alice = add("alice", 17);
    transact([&](Transaction& transaction) {
        transaction.set_password(alice, Secret::copy_of("set"), kNoon + 1h);
    });
    struct Row {
        std::int64_t epoch;
        bool renewed;
        std::string password;
    };
    const std::vector<Row> rows{{0, false, "set 1"}, {2, false, "set 1"}, {1, true, "renewed 1"}};
    for (const auto& [epoch, renewed, password] : rows) {
        SCOPED_TRACE(epoch);
        EXPECT_EQ(within([&](Transaction& transaction) {
                      return transaction.renew_password_hash(alice, epoch, Secret::copy_of("renewed"));
                  }),
                  renewed);
        EXPECT_EQ(password_of("alice"), password);
        EXPECT_EQ(found("alice")->password_set_at, kNoon + 1h);
    }
}

TEST_P(StoreContract, TheLastLoginIsRecorded)
{
    const auto alice = add("alice", 17);
    for (const auto& login :
         {auth::LastLogin{kNoon + 5s, "192.0.2.7"}, auth::LastLogin{kNoon + 6s, "2001:db8::1"}}) {
        transact([&](Transaction& transaction) { transaction.record_login(alice, login); });
        ASSERT_TRUE(found("alice")->last_login);
        EXPECT_EQ(found("alice")->last_login->at, login.at);
        EXPECT_EQ(found("alice")->last_login->source, login.source);
    }
}

TEST_P(StoreContract, WhatChangesAnAccountThatIsGoneFails)
{
    const auto alice = add("alice", 17);
    const auto seen = found("alice").value();
    transact([&](Transaction& transaction) { transaction.remove_account(alice); });
    struct Row {
        std::string name;
        auth::Store::Work work;
    };
    const std::vector<Row> rows{
        {"set_state", [&](Transaction& t) { t.set_state(seen, AccountState::active); }},
        {"remove_account", [&](Transaction& t) { t.remove_account(seen); }},
        {"set_password", [&](Transaction& t) { t.set_password(seen, Secret::copy_of("x"), kNoon); }},
        {"record_login", [&](Transaction& t) { t.record_login(seen, {kNoon, "local"}); }},
        {"totp_secret", [&](Transaction& t) { (void)t.totp_secret(seen); }},
        {"set_totp", [&](Transaction& t) { t.set_totp(seen, Secret::copy_of("x"), {}, kNoon); }},
        {"count_code_failure", [&](Transaction& t) { t.count_code_failure(seen.id); }},
        {"open_session", [&](Transaction& t) { (void)t.open_session(session_of(seen.id, "aaaaaaaa")); }},
        {"remember_device",
         [&](Transaction& t) { t.remember_device(seen.id, fingerprint(1), kNoon, "local"); }},
    };
    for (const auto& [what, work] : rows) {
        SCOPED_TRACE(what);
        EXPECT_THROW(transact(work), StoreError);
    }
    EXPECT_FALSE(
        within([&](Transaction& t) { return t.renew_password_hash(seen, 0, Secret::copy_of("x")); }));
    EXPECT_FALSE(spend(seen.id, 1));
}

// One-time codes

TEST_P(StoreContract, AStepIsSpentOnceAndOnlyForward)
{
    const auto alice = add("alice", 17);
    const auto bob = add("bob", 18);
    struct Row {
        auth::TimeStep step;
        bool spent;
        auth::TimeStep last;
    };
    const std::vector<Row> rows{
        {100, true, 100},  {100, false, 100}, {99, false, 100}, {101, true, 101},
        {100, false, 101}, {0, false, 101},   {-1, false, 101}, {58'000'000'000, true, 58'000'000'000}};
    for (const auto& [step, spent, last] : rows) {
        SCOPED_TRACE(step);
        EXPECT_EQ(spend(alice.id, step), spent);
        EXPECT_EQ(found("alice")->totp->last_step, last);
    }
    EXPECT_TRUE(spend(bob.id, 100));
    EXPECT_FALSE(spend(UserId(19), 100));
}

TEST_P(StoreContract, OfManyThreadsOneSpendsAStep)
{
    constexpr int kThreads = 8;
    constexpr int kSteps = 40;
    const auto alice = add("alice", 17);
    for (auth::TimeStep step = 1; step <= kSteps; ++step) {
        std::atomic<int> spent = 0;
        std::latch start(kThreads);
        {
            std::vector<std::jthread> threads;
            for (int i = 0; i < kThreads; ++i) {
                threads.emplace_back([&] {
                    start.arrive_and_wait();
                    spent += spend(alice.id, step) ? 1 : 0;
                });
            }
        }
        ASSERT_EQ(spent, 1) << "step " << step;
    }
}

TEST_P(StoreContract, WrongCodesAreCountedUntilANewEnrolment)
{
    const auto alice = add("alice", 17);
    add("bob", 18);
    transact([&](Transaction& transaction) {
        transaction.count_code_failure(alice.id);
        transaction.count_code_failure(alice.id);
        EXPECT_TRUE(transaction.spend_step(alice.id, 100));
    });
    EXPECT_EQ(found("alice")->totp->failures, 2);
    EXPECT_EQ(found("bob")->totp->failures, 0);

    const auth::TotpParameters parameters{
        .algorithm = auth::TotpAlgorithm::sha512, .digits = 6, .period = 30s};
    transact([&](Transaction& transaction) {
        transaction.set_totp(alice, Secret::copy_of("new"), parameters, kNoon + 1h);
    });
    const auto totp = found("alice")->totp.value();
    EXPECT_EQ(totp.failures, 0);
    EXPECT_EQ(totp.last_step, 0);
    EXPECT_EQ(totp.parameters, parameters);
    EXPECT_EQ(totp.enrolled_at, kNoon + 1h);
    EXPECT_EQ(secret_of(alice), "new");
    EXPECT_EQ(secret_of(*found("bob")), "secret-of-bob");
    EXPECT_TRUE(spend(alice.id, 100));
}

// Failures

TEST_P(StoreContract, FailuresAreKeptPerNameAndBucket)
{
    const Failures kept{.password = 3, .code = 1, .wait_until = kNoon + 8s};
    const auto subnet = Source::from_address("2001:db8:0:1::1");
    EXPECT_EQ(failures(1, kHome), Failures{});
    transact([&](Transaction& transaction) {
        transaction.save_failures(key(1), kHome, Failures{.password = 1}, kNoon);
        transaction.save_failures(key(1), kHome, kept, kNoon);
        transaction.save_failures(key(1), subnet, Failures{.code = 2}, kNoon);
    });
    struct Row {
        std::string name;
        std::uint8_t key;
        Source source;
        Failures failures;
    };
    const std::vector<Row> rows{
        {"the same", 1, kHome, kept},
        {"another name", 2, kHome, {}},
        {"another source", 1, Source::from_address("192.0.2.8"), {}},
        {"the same IPv6 /64", 1, Source::from_address("2001:db8:0:1:ffff::9"), {.code = 2}},
        {"another IPv6 /64", 1, Source::from_address("2001:db8:0:2::1"), {}},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(failures(row.key, row.source), row.failures);
    }
}

TEST_P(StoreContract, NoFailuresAreNoRow)
{
    transact([](Transaction& transaction) {
        transaction.save_failures(key(1), kHome, Failures{.password = 1}, kNoon);
        transaction.save_failures(key(2), kHome, Failures{.password = 1}, kNoon);
        transaction.save_failures(key(1), kHome, Failures{}, kNoon);
        transaction.save_failures(key(3), kHome, Failures{}, kNoon);
    });
    EXPECT_EQ(failures(1, kHome), Failures{});
    EXPECT_EQ(failures(2, kHome), Failures{.password = 1});
    // One row is left to remove, so a purge of one says that there may be more, and the next that there is
    // none.
    const auto purge_one = [](Transaction& transaction) {
        return transaction.purge(
            {.now = kNoon, .forgotten = kNoon + 1s, .forgotten_source = kNoon, .rows = 1});
    };
    EXPECT_TRUE(within(purge_one));
    EXPECT_FALSE(within(purge_one));
}

TEST_P(StoreContract, ACeilingIsKeptUntilItIsWholeAgain)
{
    const auto ceiling = [&](std::uint8_t name) {
        return within([&](Transaction& transaction) { return transaction.ceiling(key(name)); });
    };
    EXPECT_FALSE(ceiling(1));
    transact([](Transaction& transaction) {
        transaction.save_ceiling(key(1), kNoon + 60s);
        transaction.save_ceiling(key(2), kNoon + 61s);
        transaction.save_ceiling(key(3), std::nullopt);
    });
    EXPECT_EQ(ceiling(1), kNoon + 60s);
    transact([](Transaction& transaction) { transaction.save_ceiling(key(1), kNoon + 59s); });
    EXPECT_EQ(ceiling(1), kNoon + 59s);
    EXPECT_FALSE(ceiling(3));
    EXPECT_FALSE(within([](Transaction& t) {
        return t.purge({.now = kNoon + 60s, .forgotten = kNoon, .forgotten_source = kNoon});
    }));
    EXPECT_FALSE(ceiling(1)) << "whole again, and forgotten";
    EXPECT_EQ(ceiling(2), kNoon + 61s);
    transact([](Transaction& transaction) { transaction.save_ceiling(key(2), std::nullopt); });
    EXPECT_FALSE(ceiling(2));
}

TEST_P(StoreContract, SourcesAreKnownSinceTheirLastSuccess)
{
    const auto alice = add("alice", 17);
    add("bob", 18);
    const auto elsewhere = Source::from_address("198.51.100.1");
    const auto knows = [&](std::string_view user, const Source& source, auth::Time since) {
        return within([&](Transaction& t) { return t.knows_source(*UserName::parse(user), source, since); });
    };
    EXPECT_FALSE(knows("alice", kHome, kNoon));
    transact([&](Transaction& t) { t.remember_source(alice, kHome, kNoon); });
    EXPECT_TRUE(knows("alice", kHome, kNoon));
    EXPECT_FALSE(knows("alice", kHome, kNoon + 1s));
    EXPECT_FALSE(knows("alice", elsewhere, kNoon));
    EXPECT_FALSE(knows("bob", kHome, kNoon));
    EXPECT_FALSE(knows("nobody", kHome, kNoon));
    transact([&](Transaction& t) { t.remember_source(alice, kHome, kNoon + 9s); });
    EXPECT_TRUE(knows("alice", kHome, kNoon + 9s));
    EXPECT_FALSE(within([](Transaction& t) {
        return t.purge({.now = kNoon, .forgotten = kNoon, .forgotten_source = kNoon + 9s});
    }));
    EXPECT_TRUE(knows("alice", kHome, kNoon));
    EXPECT_FALSE(within([](Transaction& t) {
        return t.purge({.now = kNoon, .forgotten = kNoon, .forgotten_source = kNoon + 10s});
    }));
    EXPECT_FALSE(knows("alice", kHome, kNoon));
}

TEST_P(StoreContract, AUserHasSoManyKnownSourcesTheOldestGo)
{
    const auto alice = add("alice", 17);
    const auto source = [](std::size_t i) { return Source::from_address("192.0.2." + std::to_string(i)); };
    const auto knows = [&](std::size_t i) {
        return within([&](Transaction& t) { return t.knows_source(alice.name, source(i), kNoon); });
    };
    for (std::size_t i = 0; i <= auth::kMostKnownSources; ++i) {
        transact(
            [&](Transaction& t) { t.remember_source(alice, source(i), kNoon + std::chrono::seconds(i)); });
    }
    EXPECT_FALSE(knows(0));
    for (std::size_t i = 1; i <= auth::kMostKnownSources; ++i) EXPECT_TRUE(knows(i)) << i;
    transact([&](Transaction& t) { t.remove_account(alice); });
    add("alice", 19);
    EXPECT_FALSE(knows(1)) << "another user of the same name";
}

TEST_P(StoreContract, WhatAFloodLeavesBehindIsBounded)
{
    transact([](Transaction& t) {
        for (std::uint8_t i = 1; i <= 9; i = static_cast<std::uint8_t>(i + 1)) {
            t.save_failures(key(i), kHome, Failures{.password = 1}, kNoon + std::chrono::seconds(i));
            t.count_refusal(key(i), kNoon + std::chrono::seconds(i));
            t.save_ceiling(key(i), kNoon + std::chrono::seconds(10 - i));
        }
    });
    const auto trim = [](Transaction& t) {
        return t.purge(
            {.now = kNoon, .forgotten = kNoon, .forgotten_source = kNoon, .rows = 4, .most_kept = 3});
    };
    EXPECT_TRUE(within(trim)) << "four of each, of the six that are too many";
    EXPECT_FALSE(within(trim));
    for (std::uint8_t i = 1; i <= 9; i = static_cast<std::uint8_t>(i + 1)) {
        EXPECT_EQ(failures(i, kHome) == Failures{}, i <= 6) << "the oldest go: " << int{i};
        EXPECT_EQ(refusals(i), i <= 6 ? 0 : 1) << "the oldest go: " << int{i};
        const bool kept = within([&](Transaction& t) { return t.ceiling(key(i)).has_value(); });
        EXPECT_EQ(kept, i <= 3) << "those with most against them stay: " << int{i};
    }
}

TEST_P(StoreContract, RefusalsAreCountedUntilForgotten)
{
    EXPECT_EQ(refusals(1), 0);
    transact([](Transaction& transaction) {
        for (int i = 0; i < 3; ++i) transaction.count_refusal(key(1), kNoon);
        transaction.count_refusal(key(2), kNoon);
    });
    EXPECT_EQ(refusals(1), 3);
    transact([](Transaction& transaction) { transaction.forget_refusals(key(1)); });
    EXPECT_EQ(refusals(1), 0);
    EXPECT_EQ(refusals(2), 1);
}

// Sessions

TEST_P(StoreContract, ASessionIsFoundAsItWasOpened)
{
    const auto alice = add("alice", 17);
    const auto bob = add("bob", 18);
    open(session_of(alice.id, "00c0ffee"));
    EXPECT_EQ(session(alice.id, "00c0ffee"), show(session_of(alice.id, "00c0ffee")));
    EXPECT_EQ(session(alice.id, "00c0ffe0"), "none");
    EXPECT_EQ(session(bob.id, "00c0ffee"), "none");
}

TEST_P(StoreContract, ASessionIdClashesOnlyWithinTheUser)
{
    const auto alice = add("alice", 17);
    const auto bob = add("bob", 18);
    open(session_of(alice.id, "00c0ffee"));
    auto second = session_of(alice.id, "00c0ffee");
    second.source = "198.51.100.1";
    EXPECT_FALSE(within([&](Transaction& transaction) { return transaction.open_session(second); }));
    EXPECT_EQ(session(alice.id, "00c0ffee"), show(session_of(alice.id, "00c0ffee")));
    open(session_of(bob.id, "00c0ffee"));
}

TEST_P(StoreContract, ASessionIsTouchedAndEnded)
{
    const auto alice = add("alice", 17);
    const auto first = session_of(alice.id, "aaaaaaaa");
    open(first);
    open(session_of(alice.id, "bbbbbbbb"));
    transact([&](Transaction& transaction) { transaction.touch_session(first, kNoon + 90s); });
    auto touched = first;
    touched.last_used_at = kNoon + 90s;
    EXPECT_EQ(session(alice.id, "aaaaaaaa"), show(touched));
    EXPECT_EQ(session(alice.id, "bbbbbbbb"), show(session_of(alice.id, "bbbbbbbb")));
    transact([&](Transaction& transaction) { transaction.end_session(alice.id, "aaaaaaaa"); });
    EXPECT_EQ(session(alice.id, "aaaaaaaa"), "none");
    EXPECT_NE(session(alice.id, "bbbbbbbb"), "none");
    // What has ended stays so, and it is no error to say it again.
    transact([&](Transaction& transaction) {
        transaction.touch_session(first, kNoon + 91s);
        transaction.end_session(alice.id, "aaaaaaaa");
    });
    EXPECT_EQ(session(alice.id, "aaaaaaaa"), "none");
}

TEST_P(StoreContract, AllSessionsOfOneUserEndButTheOneSpared)
{
    const auto alice = add("alice", 17);
    const auto bob = add("bob", 18);
    for (const auto* const id : {"aaaaaaaa", "bbbbbbbb", "cccccccc"}) open(session_of(alice.id, id));
    open(session_of(bob.id, "dddddddd"));
    const auto now = kNoon;
    const auto reader = store().open_reader();
    transact([&](Transaction& transaction) { transaction.end_sessions(alice.id, "bbbbbbbb"); });
    EXPECT_EQ(reader->count_sessions(alice.id, {}, now), 1U);
    EXPECT_NE(session(alice.id, "bbbbbbbb"), "none");
    transact([&](Transaction& transaction) { transaction.end_sessions(alice.id, ""); });
    EXPECT_EQ(reader->count_sessions(alice.id, {}, now), 0U);
    EXPECT_EQ(reader->count_sessions(bob.id, {}, now), 1U);
}

TEST_P(StoreContract, SessionsAreListedByUserAndId)
{
    const auto alice = add("alice", 17);
    const auto bob = add("bob", 18);
    add("carol", 19);
    for (const auto* const id : {"cccccccc", "aaaaaaaa"}) open(session_of(alice.id, id));
    auto gone = session_of(bob.id, "bbbbbbbb");
    gone.expires_at = kNoon + 1s;
    open(gone);
    const auto listed = [&](std::optional<UserId> of) {
        std::vector<std::string> lines;
        store().open_reader()->for_each_session(of, [&](const UserName& who, const Session& session) {
            lines.push_back(who.str() + " " + show(session));
        });
        return lines;
    };
    const auto first = "alice " + show(session_of(alice.id, "aaaaaaaa"));
    const auto second = "alice " + show(session_of(alice.id, "cccccccc"));
    const auto third = "bob " + show(gone);
    EXPECT_THAT(listed(std::nullopt), ElementsAre(first, second, third)) << "whether they stand or not";
    EXPECT_THAT(listed(alice.id), ElementsAre(first, second));
    EXPECT_THAT(listed(bob.id), ElementsAre(third));
    EXPECT_THAT(listed(UserId(19)), ElementsAre());
    const auto within_transaction = within([&](Transaction& t) { return t.sessions(alice.id); });
    ASSERT_EQ(within_transaction.size(), 2U);
    EXPECT_EQ("alice " + show(within_transaction[0]), first);
    EXPECT_EQ("alice " + show(within_transaction[1]), second);
}

TEST_P(StoreContract, ManySessionsAreAllListed)
{
    const auto alice = add("alice", 17);
    const auto bob = add("bob", 18);
    const auto id_of = [](int number) { return std::to_string(10'000'000 + number); };
    transact([&](Transaction& t) {
        for (int number = 0; number < 600; ++number) {
            EXPECT_TRUE(t.open_session(session_of(number % 3 == 0 ? bob.id : alice.id, id_of(number))));
        }
    });
    std::vector<std::string> seen;
    const auto visit = [&](const UserName&, const Session& session) { seen.push_back(session.id); };
    store().open_reader()->for_each_session(std::nullopt, visit);
    EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 600U);
    EXPECT_EQ(seen.size(), 600U);
    seen.clear();
    store().open_reader()->for_each_session(bob.id, visit);
    EXPECT_EQ(seen.size(), 200U);
    EXPECT_TRUE(std::ranges::is_sorted(seen));
}

// Tokens

TEST_P(StoreContract, ATokenLeadsToItsSession)
{
    const auto alice = add("alice", 17);
    const auto first = session_of(alice.id, "aaaaaaaa");
    open(first);
    open(session_of(alice.id, "bbbbbbbb"));
    EXPECT_EQ(holder_of(1), "none");
    give_token(first, 1);
    EXPECT_EQ(holder_of(1), "alice 17 aaaaaaaa expires 43200 used 0");
    EXPECT_EQ(holder_of(2), "none");
    transact([&](Transaction& t) { t.touch_session(first, kNoon + 90s); });
    EXPECT_EQ(holder_of(1), "alice 17 aaaaaaaa expires 43200 used 90") << "what is committed is seen at once";
    const auto has_token = [&](std::string_view id) {
        return within([&](Transaction& t) { return t.find_session(alice.id, id); })->has_token;
    };
    EXPECT_TRUE(has_token("aaaaaaaa"));
    EXPECT_FALSE(has_token("bbbbbbbb"));
}

TEST_P(StoreContract, ASessionIsOpenedWithItsTokenOrNotAtAll)
{
    const auto alice = add("alice", 17);
    const auto first = session_of(alice.id, "aaaaaaaa");
    const auto open_with_token = [&](Transaction& t) {
        EXPECT_TRUE(t.open_session(first));
        t.set_session_token(first, token_hash(1));
        EXPECT_TRUE(t.find_session(alice.id, first.id)->has_token);
    };
    EXPECT_ANY_THROW(transact([&](Transaction& t) {
        open_with_token(t);
        throw std::runtime_error("afterwards");
    }));
    EXPECT_EQ(holder_of(1), "none");
    EXPECT_EQ(session(alice.id, first.id), "none");
    transact(open_with_token);
    EXPECT_EQ(holder_of(1), "alice 17 aaaaaaaa expires 43200 used 0");
    EXPECT_EQ(tokens_->endings(), 0);
}

TEST_P(StoreContract, ATokenTellsWhetherThePasswordMustBeChanged)
{
    const auto alice = add("alice", 17);
    const auto session = session_of(alice.id, "aaaaaaaa");
    open(session);
    give_token(session, 1);
    const auto must_change = [&] {
        return store().open_token_reader()->find_token(token_hash(1)).value().holder.must_change;
    };
    EXPECT_FALSE(must_change());
    transact([&](Transaction& t) { t.require_new_password(alice); });
    EXPECT_TRUE(must_change());
    transact([&](Transaction& t) { t.set_password(alice, Secret::copy_of("new"), kNoon); });
    EXPECT_FALSE(must_change());
}

TEST_P(StoreContract, ASessionHasOneTokenAtATime)
{
    const auto session = session_of(add("alice", 17).id, "aaaaaaaa");
    open(session);
    give_token(session, 1);
    give_token(session, 2);
    EXPECT_EQ(holder_of(1), "none");
    EXPECT_NE(holder_of(2), "none");
    transact([&](Transaction& t) { t.set_session_token(session, std::nullopt); });
    EXPECT_EQ(holder_of(2), "none");
    EXPECT_NE(this->session(session.user, session.id), "none");
    give_token(session, 1);
    EXPECT_NE(holder_of(1), "none") << "it may be given again";
}

TEST_P(StoreContract, ATokenIsOneSessionsOnly)
{
    const auto alice = add("alice", 17);
    const auto first = session_of(alice.id, "aaaaaaaa");
    const auto second = session_of(alice.id, "bbbbbbbb");
    open(first);
    open(second);
    give_token(first, 1);
    EXPECT_THROW(give_token(second, 1), StoreError);
    EXPECT_EQ(holder_of(1), "alice 17 aaaaaaaa expires 43200 used 0");
    transact([&](Transaction& t) { t.end_session(alice.id, first.id); });
    give_token(second, 1);
    EXPECT_EQ(holder_of(1), "alice 17 bbbbbbbb expires 43200 used 0");
}

TEST_P(StoreContract, ATokenOfNoSessionIsNone)
{
    const auto alice = add("alice", 17);
    give_token(session_of(alice.id, "aaaaaaaa"), 1);
    EXPECT_EQ(holder_of(1), "none");
    open(session_of(alice.id, "aaaaaaaa"));
    EXPECT_EQ(holder_of(1), "none");
}

TEST_P(StoreContract, ATokenEndsWithItsSessionHoweverThatEnds)
{
    const struct {
        std::string name;
        std::function<void(Transaction&, const Account&)> end;
    } rows[]{
        {"ended", [](Transaction& t, const Account& user) { t.end_session(user.id, "aaaaaaaa"); }},
        {"all ended", [](Transaction& t, const Account& user) { t.end_sessions(user.id, ""); }},
        {"all others ended",
         [](Transaction& t, const Account& user) { t.end_sessions(user.id, "bbbbbbbb"); }},
        {"the user disabled",
         [](Transaction& t, const Account& user) { t.set_state(user, AccountState::disabled); }},
        {"the user removed", [](Transaction& t, const Account& user) { t.remove_account(user); }},
        {"expired, and purged",
         [](Transaction& t, const Account&) {
             (void)t.purge({.now = kNoon + 13h, .forgotten = kNoon, .forgotten_source = kNoon});
         }},
    };
    std::int64_t id = 17;
    for (const auto& row : rows) {
        const auto user = add("user" + std::to_string(id), id);
        const auto byte = static_cast<std::uint8_t>(id);
        const auto other = static_cast<std::uint8_t>(id + 100);
        ++id;
        open(session_of(user.id, "aaaaaaaa"));
        give_token(session_of(user.id, "aaaaaaaa"), byte);
        const auto bystander = add("bystander" + std::to_string(id), id + 1000);
        auto theirs = session_of(bystander.id, "aaaaaaaa");
        theirs.expires_at = kNoon + 24h;
        open(theirs);
        give_token(theirs, other);
        ASSERT_NE(holder_of(byte), "none") << row.name;
        transact([&](Transaction& t) { row.end(t, user); });
        EXPECT_EQ(holder_of(byte), "none") << row.name;
        EXPECT_NE(holder_of(other), "none") << row.name;
    }
}

TEST_P(StoreContract, WhatEndsIsListedInItsOrder)
{
    const auto alice = add("alice", 17);
    const auto bob = add("bob", 18);
    const auto first = session_of(alice.id, "aaaaaaaa");
    const auto second = session_of(alice.id, "bbbbbbbb");
    const auto bobs = session_of(bob.id, "aaaaaaaa");
    for (const auto& session : {first, second, bobs}) open(session);
    const auto reader = store().open_token_reader();
    const auto ended = [&](auth::TokenEndings seen) {
        std::vector<int> bytes;
        const auto tokens = reader->ended_since(seen);
        if (!tokens) return std::vector<int>{-1};
        for (const auto& token : *tokens) bytes.push_back(token.front());
        return bytes;
    };
    EXPECT_EQ(reader->endings(), 0);
    EXPECT_THAT(ended(0), ElementsAre());
    give_token(first, 1);
    give_token(second, 2);
    give_token(bobs, 3);
    transact([&](Transaction& t) { t.touch_session(first, kNoon + 90s); });
    EXPECT_EQ(reader->endings(), 0) << "what begins, or is used, does not end";
    EXPECT_EQ(reader->find_token(token_hash(1))->as_of, 0);
    give_token(first, 4);
    EXPECT_THAT(ended(0), ElementsAre(1)) << "by another one";
    transact([&](Transaction& t) { t.end_session(alice.id, second.id); });
    transact([&](Transaction& t) { t.set_state(bob, AccountState::disabled); });
    EXPECT_THAT(ended(0), ElementsAre(1, 2, 3));
    EXPECT_THAT(ended(2), ElementsAre(3));
    EXPECT_EQ(reader->endings(), 3);
    EXPECT_EQ(reader->find_token(token_hash(4))->as_of, 3);
    transact([&](Transaction& t) { t.remove_account(alice); });
    EXPECT_THAT(ended(3), ElementsAre(4)) << "with the user";
    EXPECT_THAT(ended(4), ElementsAre());
    EXPECT_THAT(ended(5), ElementsAre(-1)) << "more than there have been";
    transact([&](Transaction& t) { t.set_state(bob, AccountState::active); });
    EXPECT_EQ(reader->endings(), 4);
    transact([](Transaction& t) {
        (void)t.purge({.now = kNoon + 13h, .forgotten = kNoon, .forgotten_source = kNoon});
    });
    EXPECT_THAT(ended(4), ElementsAre(3)) << "expired, and purged";
}

TEST_P(StoreContract, WhatFailsEndsNothing)
{
    const auto session = session_of(add("alice", 17).id, "aaaaaaaa");
    open(session);
    give_token(session, 1);
    const auto failing = [&](Transaction& t) {
        t.end_session(session.user, session.id);
        throw std::out_of_range("mine");
    };
    EXPECT_THROW(transact(failing), std::out_of_range);
    EXPECT_EQ(store().open_token_reader()->endings(), 0);
    EXPECT_NE(holder_of(1), "none");
}

TEST_P(StoreContract, AnIdThatIsUsedAgainHasNoToken)
{
    const auto session = session_of(add("alice", 17).id, "aaaaaaaa");
    open(session);
    give_token(session, 1);
    transact([&](Transaction& t) { t.end_session(session.user, session.id); });
    open(session);
    EXPECT_EQ(holder_of(1), "none");
}

TEST_P(StoreContract, TokensAreLookedUpWhileOthersWrite)
{
    const auto session = session_of(add("alice", 17).id, "aaaaaaaa");
    open(session);
    give_token(session, 1);
    std::atomic<bool> stop = false;
    std::atomic<int> misses = 0;
    {
        std::vector<std::jthread> readers;
        for (int i = 0; i < 3; ++i) {
            readers.emplace_back([&] {
                const auto reader = store().open_token_reader();
                do {
                    misses += reader->find_token(token_hash(1)) ? 0 : 1;
                } while (!stop);
            });
        }
        for (int i = 0; i < 200; ++i) transact([](Transaction& t) { t.count_refusal(key(1), kNoon); });
        stop = true;
    }
    EXPECT_EQ(misses, 0);
}

// Devices

TEST_P(StoreContract, ADeviceIsRememberedForOneUser)
{
    const auto alice = add("alice", 17);
    const auto bob = add("bob", 18);
    remember(alice.id, 1, kNoon);
    struct Row {
        std::string user;
        std::uint8_t device;
        std::string found;
    };
    const std::vector<Row> rows{{"alice", 1, "1 first 0 last 0 from 192.0.2.7"},
                                {"alice", 2, "none"},
                                {"bob", 1, "none"},
                                {"carol", 1, "none"}};
    for (const auto& row : rows) {
        SCOPED_TRACE(row.user + std::to_string(row.device));
        EXPECT_EQ(show(within([&](Transaction& t) {
                      return t.find_device(name(row.user), fingerprint(row.device));
                  })),
                  row.found);
    }
    EXPECT_THAT(devices(alice.id), ElementsAre("1 first 0 last 0 from 192.0.2.7"));
    EXPECT_TRUE(devices(bob.id).empty());
}

TEST_P(StoreContract, ATransactionListsDevicesAsAReaderDoes)
{
    const auto alice = add("alice", 17);
    remember(add("bob", 18).id, 3, kNoon);
    remember(alice.id, 1, kNoon);
    remember(alice.id, 2, kNoon + 1h);
    transact([&](Transaction& t) {
        EXPECT_TRUE(t.forget_device(alice.id, fingerprint(1)));
        t.remember_device(alice.id, fingerprint(4), kNoon + 2h, "192.0.2.7");
        std::vector<std::string> listed;
        for (const auto& device : t.devices(alice.id)) listed.push_back(show(device));
        EXPECT_THAT(listed, ElementsAre("4 first 7200 last 7200 from 192.0.2.7",
                                        "2 first 3600 last 3600 from 192.0.2.7"));
    });
    EXPECT_TRUE(within([&](Transaction& t) { return t.devices(UserId{99}).empty(); }));
}

TEST_P(StoreContract, ADeviceThatIsSeenAgainStaysOneAndKeepsWhenItWasFirstSeen)
{
    const auto alice = add("alice", 17);
    remember(alice.id, 1, kNoon);
    remember(alice.id, 2, kNoon + 5s);
    remember(alice.id, 1, kNoon + 9s, "2001:db8::1");
    EXPECT_THAT(devices(alice.id),
                ElementsAre("1 first 0 last 9 from 2001:db8::1", "2 first 5 last 5 from 192.0.2.7"));
}

TEST_P(StoreContract, OfTooManyDevicesTheOneUnusedForLongestGoes)
{
    const auto alice = add("alice", 17);
    const auto bob = add("bob", 18);
    remember(bob.id, 200, kNoon - 1h);
    for (std::uint8_t device = 1; device <= auth::kMostDevices; ++device) {
        remember(alice.id, device, kNoon + std::chrono::seconds(device));
    }
    remember(alice.id, 1, kNoon + 100s);
    remember(alice.id, 100, kNoon + 101s);
    const auto left = devices(alice.id);
    ASSERT_EQ(left.size(), auth::kMostDevices);
    EXPECT_EQ(left[0], "100 first 101 last 101 from 192.0.2.7");
    EXPECT_EQ(left[1], "1 first 1 last 100 from 192.0.2.7");
    EXPECT_EQ(left.back(), "3 first 3 last 3 from 192.0.2.7");
    EXPECT_EQ(devices(bob.id).size(), 1U);
}

TEST_P(StoreContract, TheDeviceJustSeenStaysAlsoWhenTheClockWasSetBack)
{
    const auto alice = add("alice", 17);
    for (std::uint8_t device = 1; device <= auth::kMostDevices; ++device) remember(alice.id, device, kNoon);
    remember(alice.id, 100, kNoon - 1h);
    const auto left = devices(alice.id);
    ASSERT_EQ(left.size(), auth::kMostDevices);
    EXPECT_EQ(left.back(), "100 first -3600 last -3600 from 192.0.2.7");
}

TEST_P(StoreContract, DevicesAreForgotten)
{
    const auto alice = add("alice", 17);
    const auto bob = add("bob", 18);
    for (const auto device : std::initializer_list<std::uint8_t>{1, 2, 3, 4})
        remember(alice.id, device, kNoon);
    remember(bob.id, 1, kNoon);
    const auto forget = [&](UserId user, std::uint8_t device) {
        return within([&](Transaction& t) { return t.forget_device(user, fingerprint(device)); });
    };
    EXPECT_TRUE(forget(alice.id, 1));
    EXPECT_FALSE(forget(alice.id, 1));
    EXPECT_FALSE(forget(bob.id, 2));
    EXPECT_FALSE(forget(UserId(19), 1));
    EXPECT_EQ(devices(alice.id).size(), 3U);
    transact([&](Transaction& t) { t.forget_devices(alice.id, fingerprint(3)); });
    EXPECT_THAT(devices(alice.id), ElementsAre("3 first 0 last 0 from 192.0.2.7"));
    transact([&](Transaction& t) { t.forget_devices(alice.id, fingerprint(9)); });
    EXPECT_TRUE(devices(alice.id).empty()) << "one that is not there spares none";
    remember(alice.id, 5, kNoon);
    transact([&](Transaction& t) { t.forget_devices(alice.id, std::nullopt); });
    EXPECT_TRUE(devices(alice.id).empty());
    EXPECT_EQ(devices(bob.id).size(), 1U);
}

TEST_P(StoreContract, DevicesGoWithTheUser)
{
    const auto alice = add("alice", 17);
    remember(alice.id, 1, kNoon);
    transact([&](Transaction& t) { t.remove_account(alice); });
    EXPECT_TRUE(devices(alice.id).empty());
    add("alice", 18);
    EXPECT_FALSE(within([&](Transaction& t) { return t.find_device(name("alice"), fingerprint(1)); }));
}

TEST_P(StoreContract, PurgeForgetsDevicesThatNobodyUses)
{
    const auto alice = add("alice", 17);
    const auto edge = kNoon - auth::kDevicesForgotten;
    remember(alice.id, 1, edge - 1s);
    remember(alice.id, 2, edge - 1s);
    remember(alice.id, 3, edge);
    const auto purge_one = [](Transaction& t) {
        return t.purge({.now = kNoon, .forgotten = kNoon, .forgotten_source = kNoon, .rows = 1});
    };
    EXPECT_TRUE(within(purge_one));
    EXPECT_TRUE(within(purge_one));
    EXPECT_FALSE(within(purge_one));
    ASSERT_EQ(devices(alice.id).size(), 1U);
    EXPECT_TRUE(devices(alice.id)[0].starts_with("3 "));
}

// Audit

TEST_P(StoreContract, AuditRecordsAreKeptAsWrittenAndInOrder)
{
    const std::vector<auth::AuditRecord> written{
        {.at = kNoon, .event = "login", .outcome = "granted", .user = UserId(17), .source = "192.0.2.7"},
        {.at = kNoon, .event = "login", .outcome = "granted", .source = "local", .device = "AAAAAAAAAAAA"},
        {.at = kNoon + 1s, .event = "login", .outcome = "refused", .reason = "unknown_user", .name = key(9)},
        {.at = kNoon - 1s, .event = "user.add", .outcome = "done", .user = UserId(18), .source = "admin"},
    };
    for (const auto& record : written) {
        transact([&](Transaction& transaction) { transaction.append_audit(record); });
    }
    const auto kept = under_test_->audit();
    ASSERT_EQ(kept.size(), written.size());
    for (std::size_t i = 0; i < written.size(); ++i) {
        SCOPED_TRACE(i);
        EXPECT_EQ(kept[i].at, written[i].at);
        EXPECT_EQ(kept[i].event, written[i].event);
        EXPECT_EQ(kept[i].outcome, written[i].outcome);
        EXPECT_EQ(kept[i].reason, written[i].reason);
        EXPECT_EQ(kept[i].user, written[i].user);
        EXPECT_EQ(kept[i].name, written[i].name);
        EXPECT_EQ(kept[i].source, written[i].source);
        EXPECT_EQ(kept[i].device, written[i].device);
    }
}

TEST_P(StoreContract, EachRecordIsMarkedAndChained)
{
    const auth::AuditChain chain{auth::MasterKey(Secret(auth::MasterKey::kSize))};
    auth::AuditVerifier verifier(chain);
    auth::AuditMark last;
    for (int i = 1; i <= 5; ++i) {
        last = within([](Transaction& transaction) {
            return transaction.append_audit({.at = kNoon, .event = "login", .outcome = "granted"});
        });
        EXPECT_EQ(last.id, i);
    }
    const auto head = store().open_reader()->read_audit(
        [&](const auth::AuditEntry& entry) { return verifier.take(entry); });
    const auto findings = verifier.finish(head);
    EXPECT_FALSE(findings.fault);
    EXPECT_EQ(findings.records, 5);
    EXPECT_EQ(findings.last, last);
}

TEST_P(StoreContract, OfWorkThatFailsTheChainKnowsNothing)
{
    const auto append = [](Transaction& transaction) {
        transaction.append_audit({.at = kNoon, .event = "login", .outcome = "granted"});
    };
    const auto fail = [&](Transaction& transaction) {
        append(transaction);
        throw std::runtime_error("no");
    };
    EXPECT_THAT(in_one_batch({append, fail, append}), ElementsAre("kept", "no", "kept"));
    const auth::AuditChain chain{auth::MasterKey(Secret(auth::MasterKey::kSize))};
    auth::AuditVerifier verifier(chain);
    const auto head = store().open_reader()->read_audit(
        [&](const auth::AuditEntry& entry) { return verifier.take(entry); });
    const auto findings = verifier.finish(head);
    EXPECT_FALSE(findings.fault);
    EXPECT_EQ(findings.records, 2);
}

struct AuditWish {
    std::string name;
    auth::AuditQuery query;
    std::vector<std::int64_t> ids;
};

TEST_P(StoreContract, AuditEntriesAreFoundByWhatIsWanted)
{
    // 1: bob, who is removed by 5.  2 to 4: alice.  6: an attempt at bob's name since.
    const auto alice = add("alice", 17);
    const auto bob = add("bob", 18);
    const auto append = [&](const auth::AuditRecord& record) {
        transact([&](Transaction& transaction) { transaction.append_audit(record); });
    };
    append({.at = kNoon, .event = "login", .outcome = "granted", .user = bob.id});
    append({.at = kNoon + 1s, .event = "user.add", .outcome = "done", .user = alice.id});
    append({.at = kNoon + 2s, .event = "login", .outcome = "granted", .user = alice.id});
    append({.at = kNoon + 3s, .event = "login", .outcome = "refused", .user = alice.id});
    append({.at = kNoon + 4s, .event = "user.remove", .outcome = "done", .reason = "bob", .user = bob.id});
    transact([&](Transaction& transaction) { transaction.remove_account(bob); });
    append({.at = kNoon + 5s, .event = "login", .outcome = "refused", .name = key(9)});

    const std::vector<AuditWish> wishes{
        {"everything", {}, {1, 2, 3, 4, 5, 6}},
        {"what comes after", {.after = 4}, {5, 6}},
        {"what comes after the last", {.after = 6}, {}},
        {"what is not older", {.since = kNoon + 3s}, {4, 5, 6}},
        {"an event", {.event = "login"}, {1, 3, 4, 6}},
        {"an event that never was", {.event = "logi_"}, {}},
        {"a user", {.user = name("alice"), .name = key(8)}, {2, 3, 4}},
        {"a user who was removed", {.user = name("bob"), .name = key(9)}, {1, 5, 6}},
        {"a user who never was", {.user = name("carol"), .name = key(7)}, {}},
        {"all at once", {.since = kNoon + 3s, .event = "login", .user = name("alice")}, {4}},
        {"the newest", {.newest = 2}, {5, 6}},
        {"the newest of those", {.event = "login", .newest = 2}, {4, 6}},
        {"the newest, more than there are", {.newest = 100}, {1, 2, 3, 4, 5, 6}},
        {"the newest after", {.after = 5, .newest = 3}, {6}},
    };
    const auto reader = store().open_reader();
    for (const auto& wish : wishes) {
        SCOPED_TRACE(wish.name);
        std::vector<std::int64_t> ids;
        reader->for_each_audit_entry(wish.query, [&](const auth::AuditEntry& entry) {
            ids.push_back(entry.mark.id);
            EXPECT_EQ(entry.user_name, entry.record.user == alice.id ? "alice" : "");
            return true;
        });
        EXPECT_EQ(ids, wish.ids);
    }
}

TEST_P(StoreContract, AuditEntriesAreGivenUntilOneIsEnough)
{
    for (int i = 0; i < 600; ++i) {
        transact([](Transaction& transaction) {
            transaction.append_audit({.at = kNoon, .event = "login", .outcome = "granted"});
        });
    }
    const auto reader = store().open_reader();
    std::int64_t visited = 0;
    reader->for_each_audit_entry({}, [&](const auth::AuditEntry& entry) {
        EXPECT_EQ(entry.mark.id, visited + 1);
        return ++visited < 300;
    });
    EXPECT_EQ(visited, 300);
    visited = 0;
    (void)reader->read_audit([&](const auth::AuditEntry&) { return ++visited < 3; });
    EXPECT_EQ(visited, 3);
}

// Purge

TEST_P(StoreContract, PurgeRemovesWhatCanNoLongerMatterAndNothingElse)
{
    const auto alice = add("alice", 17);
    const auto until = [&](const std::string& id, auth::Time expires_at) {
        auto session = session_of(alice.id, id);
        session.expires_at = expires_at;
        open(session);
    };
    until("aaaaaaaa", kNoon + 59s);
    until("bbbbbbbb", kNoon + 60s);
    transact([](Transaction& transaction) {
        transaction.save_failures(key(1), kHome, Failures{.password = 1}, kNoon + 9s);
        transaction.save_failures(key(2), kHome, Failures{.password = 1}, kNoon + 10s);
        transaction.count_refusal(key(1), kNoon + 9s);
        transaction.count_refusal(key(2), kNoon + 10s);
    });
    EXPECT_FALSE(within([](Transaction& transaction) {
        return transaction.purge(
            {.now = kNoon + 60s, .forgotten = kNoon + 10s, .forgotten_source = kNoon, .rows = 100});
    }));
    EXPECT_EQ(session(alice.id, "aaaaaaaa"), "none");
    EXPECT_NE(session(alice.id, "bbbbbbbb"), "none");
    EXPECT_EQ(failures(1, kHome), Failures{});
    EXPECT_EQ(failures(2, kHome), Failures{.password = 1});
    EXPECT_EQ(refusals(1), 0);
    EXPECT_EQ(refusals(2), 1);
}

TEST_P(StoreContract, PurgeIsBoundedAndSaysWhetherThereIsMore)
{
    const auto alice = add("alice", 17);
    for (int i = 0; i < 5; ++i) open(session_of(alice.id, "0000000" + std::to_string(i)));
    const auto left = [&] { return store().open_reader()->count_sessions(alice.id, {}, kNoon); };
    const auto purge_two = [](Transaction& transaction) {
        return transaction.purge(
            {.now = kNoon + 24h, .forgotten = kNoon, .forgotten_source = kNoon, .rows = 2});
    };
    EXPECT_TRUE(within(purge_two));
    EXPECT_EQ(left(), 3U);
    EXPECT_TRUE(within(purge_two));
    EXPECT_EQ(left(), 1U);
    EXPECT_FALSE(within(purge_two));
    EXPECT_EQ(left(), 0U);
}

// Transactions

TEST_P(StoreContract, OneThatThrowsLeavesNothingBehindAndDoesNotTouchTheOthers)
{
    const auto alice = add("alice", 17);
    const auto outcomes = in_one_batch({
        [&](Transaction& t) { t.count_refusal(key(1), kNoon); },
        [&](Transaction& t) {
            EXPECT_TRUE(t.add_account(new_account("bob", 18)));
            EXPECT_TRUE(t.spend_step(alice.id, 100));
            EXPECT_TRUE(t.open_session(session_of(alice.id, "aaaaaaaa")));
            t.set_password(alice, Secret::copy_of("lost"), kNoon);
            t.save_failures(key(1), kHome, Failures{.password = 9}, kNoon);
            t.append_audit({.at = kNoon, .event = "login", .outcome = "granted"});
            t.count_refusal(key(1), kNoon);
            throw std::runtime_error("mine");
        },
        [&](Transaction& t) { t.count_refusal(key(1), kNoon); },
        [&](Transaction& t) { t.count_code_failure(UserId(99)); },
        [&](Transaction& t) { t.count_refusal(key(1), kNoon); },
    });
    EXPECT_THAT(outcomes, ElementsAre("kept", "mine", "kept", "StoreError", "kept"));
    EXPECT_EQ(refusals(1), 3);
    EXPECT_FALSE(found("bob"));
    EXPECT_EQ(password_of("alice"), "$argon2id$of-alice 0");
    EXPECT_EQ(session(alice.id, "aaaaaaaa"), "none");
    EXPECT_EQ(failures(1, kHome), Failures{});
    EXPECT_TRUE(under_test_->audit().empty());
    EXPECT_TRUE(spend(alice.id, 100));
}

TEST_P(StoreContract, AnErrorThatWasCaughtStillFailsTheWork)
{
    add("alice", 17);
    EXPECT_THROW(transact([](Transaction& transaction) {
                     transaction.count_refusal(key(1), kNoon);
                     try {
                         (void)transaction.add_account(new_account("bob", 17));
                     } catch (const StoreError&) {
                         transaction.count_refusal(key(1), kNoon);
                     }
                 }),
                 StoreError);
    EXPECT_EQ(refusals(1), 0);
}

TEST_P(StoreContract, WorkSeesWhatTheWorkBeforeItDid)
{
    int seen = -1;
    const auto outcomes = in_one_batch({
        [](Transaction& t) { t.count_refusal(key(1), kNoon); },
        [](Transaction& t) { t.count_refusal(key(1), kNoon); },
        [&](Transaction& t) { seen = t.refusals(key(1)); },
    });
    EXPECT_THAT(outcomes, ElementsAre("kept", "kept", "kept"));
    EXPECT_EQ(seen, 2);
}

TEST_P(StoreContract, DoneIsToldOnceAfterTheCommitOnTheWritersThread)
{
    constexpr int kWorks = 50;
    const auto reader = store().open_reader();
    std::latch answered(kWorks);
    std::vector<int> calls(kWorks);
    std::set<std::thread::id> threads;
    bool always_committed = true;
    for (int i = 0; i < kWorks; ++i) {
        const auto user = "user" + std::to_string(i);
        store().submit([user, i](Transaction& t) { EXPECT_TRUE(t.add_account(new_account(user, i))); },
                       [&, user, i](const std::exception_ptr& error) {
                           EXPECT_FALSE(error);
                           calls[static_cast<std::size_t>(i)] += 1;
                           threads.insert(std::this_thread::get_id());
                           always_committed = always_committed && reader->find_account(name(user));
                           answered.count_down();
                       });
    }
    answered.wait();
    transact([](Transaction&) {});
    EXPECT_TRUE(always_committed);
    EXPECT_EQ(calls, std::vector<int>(kWorks, 1));
    EXPECT_EQ(threads.size(), 1U);
    EXPECT_FALSE(threads.contains(std::this_thread::get_id()));
}

TEST_P(StoreContract, DoneMaySubmitMore)
{
    std::promise<int> seen;
    store().submit([](Transaction& t) { t.count_refusal(key(1), kNoon); },
                   [&](const std::exception_ptr&) {
                       store().submit([&](Transaction& t) { seen.set_value(t.refusals(key(1))); },
                                      [](const std::exception_ptr&) {});
                   });
    EXPECT_EQ(seen.get_future().get(), 1);
}

TEST_P(StoreContract, WhatIsNotSyncedIsSeenByWhatComesLater)
{
    std::promise<std::string> told;
    store().submit_unsynced([](Transaction& t) { t.count_refusal(key(1), kNoon); },
                            [&](const std::exception_ptr& error) { told.set_value(what(error)); });
    EXPECT_EQ(refusals(1), 1);
    EXPECT_EQ(told.get_future().get(), "kept");

    std::promise<std::string> refused;
    store().submit_unsynced(
        [](Transaction& t) {
            t.count_refusal(key(1), kNoon);
            throw std::runtime_error("mine");
        },
        [&](const std::exception_ptr& error) { refused.set_value(what(error)); });
    EXPECT_EQ(refused.get_future().get(), "mine");
    EXPECT_EQ(refusals(1), 1);
}

TEST_P(StoreContract, SubmitDoesNotWaitForTheWriter)
{
    std::promise<void> gate;
    const auto opened = gate.get_future().share();
    store().submit([opened](Transaction&) { opened.wait(); }, [](const std::exception_ptr&) {});
    constexpr int kWorks = 1000;
    std::latch answered(kWorks);
    for (int i = 0; i < kWorks; ++i) {
        store().submit([](Transaction& t) { t.count_refusal(key(1), kNoon); },
                       [&](const std::exception_ptr&) { answered.count_down(); });
    }
    EXPECT_FALSE(answered.try_wait());
    gate.set_value();
    answered.wait();
    EXPECT_EQ(refusals(1), kWorks);
}

TEST_P(StoreContract, ManyThreadsLoseNothing)
{
    constexpr int kThreads = 4;
    constexpr int kWorks = 50;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < kThreads; ++i) {
            threads.emplace_back([&] {
                for (int n = 0; n < kWorks; ++n) {
                    transact([](Transaction& t) { t.count_refusal(key(1), kNoon); });
                }
            });
        }
    }
    EXPECT_EQ(refusals(1), kThreads * kWorks);
}

TEST_P(StoreContract, DestroyingItFinishesWhatWasSubmitted)
{
    constexpr int kWorks = 500;
    std::atomic<int> kept = 0;
    for (int i = 0; i < kWorks; ++i) {
        store().submit([](Transaction& t) { t.count_refusal(key(1), kNoon); },
                       [&](const std::exception_ptr& error) { kept += error ? 0 : 1; });
    }
    under_test_->destroy();
    EXPECT_EQ(kept, kWorks);
}

TEST_P(StoreContract, TransactThrowsWhatTheWorkThrew)
{
    EXPECT_THROW(transact([](Transaction&) { throw std::out_of_range("mine"); }), std::out_of_range);
}

// Readers

TEST_P(StoreContract, AReaderSeesOnlyWhatIsCommitted)
{
    const auto reader = store().open_reader();
    std::promise<void> gate;
    std::promise<void> written;
    std::promise<void> answered;
    const auto opened = gate.get_future().share();
    store().submit(
        [&](Transaction& t) {
            EXPECT_TRUE(t.add_account(new_account("alice", 17)));
            written.set_value();
            opened.wait();
        },
        [&](const std::exception_ptr&) { answered.set_value(); });
    written.get_future().wait();
    EXPECT_FALSE(reader->find_account(name("alice")));
    gate.set_value();
    answered.get_future().wait();
    EXPECT_TRUE(reader->find_account(name("alice")));
}

TEST_P(StoreContract, AllAccountsAreVisitedInTheOrderOfNames)
{
    constexpr int kAccounts = 600;
    std::set<std::string> names{"0", "a.b", "a-b", "a_b", "z"};
    for (int i = 0; i < kAccounts; ++i) names.insert("user" + std::to_string(i));
    transact([&](Transaction& t) {
        std::int64_t id = 0;
        for (const auto& user : names) EXPECT_TRUE(t.add_account(new_account(user, ++id)));
    });
    std::vector<std::string> visited;
    store().open_reader()->for_each_account([&](const Account& account) {
        EXPECT_TRUE(account.totp);
        visited.push_back(account.name.str());
    });
    EXPECT_EQ(visited, std::vector<std::string>(names.begin(), names.end()));
}

TEST_P(StoreContract, NobodyIsVisitedWhereThereIsNobody)
{
    store().open_reader()->for_each_account([](const Account&) { FAIL(); });
    store().open_reader()->for_each_credentials([](const auth::Credentials&) { FAIL(); });
}

TEST_P(StoreContract, CredentialsAreVisitedInTheOrderOfNamesEachWithItsOwn)
{
    constexpr int kAccounts = 600;
    std::set<std::string> names;
    for (int i = 0; i < kAccounts; ++i) names.insert("user" + std::to_string(i));
    transact([&](Transaction& t) {
        std::int64_t id = 0;
        for (const auto& user : names) EXPECT_TRUE(t.add_account(new_account(user, ++id)));
        t.set_password(t.find_account(name("user7")).value(), Secret::copy_of("another"), kNoon);
    });
    std::vector<std::string> visited;
    store().open_reader()->for_each_credentials([&](const auth::Credentials& credentials) {
        const auto user = credentials.account.name.str();
        visited.push_back(user);
        EXPECT_EQ(credentials.phc.view(), user == "user7" ? "another" : "$argon2id$of-" + user);
        ASSERT_TRUE(credentials.totp_secret);
        EXPECT_EQ(credentials.totp_secret->view(), "secret-of-" + user);
        EXPECT_EQ(credentials.account.totp->parameters.digits, 8);
    });
    EXPECT_EQ(visited, std::vector<std::string>(names.begin(), names.end()));
}

TEST_P(StoreContract, SessionsCountWhileTheyAreLive)
{
    const auto alice = add("alice", 17);
    open(session_of(alice.id, "aaaaaaaa"));  // used last when it was opened, at noon
    const auto reader = store().open_reader();
    const auth::SessionPolicy day{.idle = 24h, .absolute = 12h};
    const auth::SessionPolicy half_hour{.idle = 30min, .absolute = 12h};
    const struct {
        std::string name;
        auth::SessionPolicy policy;
        auth::Time now;
        std::size_t live;
    } rows[]{{"before its end", day, kNoon + 12h - 1s, 1},
             {"at its end", day, kNoon + 12h, 0},
             {"before its idle limit", half_hour, kNoon + 30min - 1s, 1},
             {"at its idle limit", half_hour, kNoon + 30min, 0},
             {"by a clock set back a little", half_hour, kNoon - 30min + 1s, 1},
             {"by a clock set back too far", half_hour, kNoon - 30min, 0}};
    for (const auto& row : rows) {
        EXPECT_EQ(reader->count_sessions(alice.id, row.policy, row.now), row.live) << row.name;
        EXPECT_EQ(reader->summary(row.policy, row.now).sessions, row.live) << row.name;
        EXPECT_EQ(is_live(session_of(alice.id, "aaaaaaaa"), row.policy, row.now), row.live == 1) << row.name;
    }
    EXPECT_EQ(reader->count_sessions(UserId(18), half_hour, kNoon), 0U);
}

TEST_P(StoreContract, TheSummaryCounts)
{
    const auto alice = add("alice", 17);
    const auto bob = add("bob", 18);
    add("carol", 19);
    open(session_of(alice.id, "aaaaaaaa"));
    open(session_of(bob.id, "bbbbbbbb"));
    transact([&](Transaction& transaction) { transaction.set_state(bob, AccountState::disabled); });
    const auto reader = store().open_reader();
    const auto summary = reader->summary({}, kNoon);
    EXPECT_EQ(summary.users, 3U);
    EXPECT_EQ(summary.disabled, 1U);
    EXPECT_EQ(summary.sessions, 2U);
    EXPECT_EQ(reader->summary({}, kNoon + 12h).sessions, 0U);
}

TEST_P(StoreContract, TheStateCounts)
{
    const auto wait_until = [](auth::Time time) { return Failures{.password = 5, .wait_until = time}; };
    open(session_of(add("alice", 17).id, "aaaaaaaa"));
    transact([&](Transaction& transaction) {
        transaction.save_failures(key(1), kHome, wait_until(kNoon + 10s), kNoon);
        transaction.save_failures(key(2), kHome, wait_until(kNoon + 10s), kNoon - 20s);  // too long ago
        transaction.save_failures(key(3), kHome, wait_until(kNoon), kNoon);              // over
        transaction.save_failures(key(4), kHome, Failures{.password = 1}, kNoon);
        transaction.save_failures(key(5), kHome, wait_until(kNoon + 1s), kNoon - 10s);
        transaction.save_ceiling(key(1), kNoon + 101s);
        transaction.save_ceiling(key(2), kNoon + 100s);
    });
    const auto mark = within([](Transaction& transaction) {
        return transaction.append_audit({.at = kNoon, .event = "login", .outcome = "refused"});
    });
    const auto reader = store().open_reader();
    const auth::StateQuery query{
        .now = kNoon, .waits_since = kNoon - 10s, .ceilings_reached = kNoon + 100s, .most = 10};
    const auto state = reader->state(query);
    EXPECT_EQ(state.waits, 2U);
    EXPECT_EQ(state.ceilings, 1U);
    EXPECT_EQ(state.sessions, 1U);
    EXPECT_EQ(state.last_audit, mark.id);

    auto later = query;
    later.now += 12h;
    EXPECT_EQ(reader->state(later).sessions, 0U);
    EXPECT_EQ(reader->state(later).waits, 0U);
    auto fewer = query;
    fewer.most = 1;
    EXPECT_EQ(reader->state(fewer).waits, 1U) << "no more is counted than is asked for";
}

TEST_P(StoreContract, TheStateOfNothing)
{
    const auto state = store().open_reader()->state(
        {.now = kNoon, .waits_since = kNoon - 10s, .ceilings_reached = kNoon + 100s});
    EXPECT_EQ(state.waits + state.ceilings + state.sessions, 0U);
    EXPECT_EQ(state.last_audit, 0);
}

TEST_P(StoreContract, ReadersOfSeveralThreadsDoNotDisturbTheWriter)
{
    add("alice", 17);
    std::atomic<bool> stop = false;
    std::atomic<int> misses = 0;
    {
        std::vector<std::jthread> readers;
        for (int i = 0; i < 3; ++i) {
            readers.emplace_back([&] {
                const auto reader = store().open_reader();
                do {
                    misses += reader->find_password(name("alice")) ? 0 : 1;
                } while (!stop);
            });
        }
        for (int i = 0; i < 200; ++i) transact([](Transaction& t) { t.count_refusal(key(1), kNoon); });
        stop = true;
    }
    EXPECT_EQ(misses, 0);
    EXPECT_EQ(refusals(1), 200);
}

}  // namespace
}  // namespace securelogin::contract
