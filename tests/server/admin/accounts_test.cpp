// The domain's Accounts: what each change does, ends and writes down, and whom it leaves alone.
#include "server/auth/accounts.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_random.hpp"
#include "tests/support/memory_store.hpp"

namespace securelogin::auth {
namespace {

using namespace std::chrono_literals;
using support::FakeClock;
using support::FakeRandom;
using support::kNoon;
using support::MemoryStore;

/// What must be there for the test to make sense.
template <typename T>
T require(std::optional<T> found)
{
    if (!found) throw std::logic_error("nothing there");
    return *std::move(found);
}

constexpr DeviceFingerprint kLaptop{1};
constexpr DeviceFingerprint kTablet{2};

UserName name(const char* text) { return require(UserName::parse(text)); }

Secret phc(std::string_view salt)
{
    return Secret::copy_of("$argon2id$v=19$m=19456,t=2,p=1$" + std::string(salt) + "$AAAAAAAAAAAAAAAAAAAAAA");
}

/// Alice, enrolled at noon, logged in once with one wrong code before; and Bob, whom nothing here may touch.
class AccountsTest : public testing::Test {
  protected:
    using Change = std::function<bool(Transaction&)>;

    AccountsTest()
    {
        for (const auto* who : {"alice", "bob"}) {
            const auto account = accounts_.prepare(name(who), phc("c2FsdHNhbHQ"), {});
            EXPECT_TRUE(
                commit([&](Transaction& transaction) { return accounts_.add(transaction, account); }));
            transact(store_, [&](Transaction& transaction) {
                transaction.count_code_failure(account.id);
                EXPECT_TRUE(transaction.spend_step(account.id, 59'343'840));
                EXPECT_TRUE(transaction.open_session(
                    {account.id, "0badcafe", kNoon, kNoon + 12h, kNoon, "192.0.2.7"}));
                transaction.remember_device(account.id, kLaptop, kNoon, "192.0.2.7");
                transaction.remember_device(account.id, kTablet, kNoon, "192.0.2.7");
                transaction.record_login(require(transaction.find_account(account.name)),
                                         {kNoon, "192.0.2.7"});
            });
        }
        clock_.advance(1h);
    }

    bool commit(const Change& change)
    {
        bool done = false;
        transact(store_, [&](Transaction& transaction) { done = change(transaction); });
        return done;
    }
    Account account(const char* who) { return require(store_.open_reader()->find_account(name(who))); }
    TotpEnrolment totp(const char* who) { return require(account(who).totp); }
    std::size_t devices(const char* who) { return store_.open_reader()->devices(account(who).id).size(); }
    std::size_t sessions(UserId user)
    {
        const SessionPolicy never_idle{.idle = std::chrono::hours(24)};
        return store_.open_reader()->count_sessions(user, never_idle, clock_.now());
    }
    std::string password(const char* who)
    {
        return std::string(require(store_.open_reader()->find_password(name(who))).phc.view());
    }
    std::string secret(const char* who)
    {
        std::string found;
        transact(store_, [&](Transaction& transaction) {
            found = transaction.totp_secret(require(transaction.find_account(name(who)))).view();
        });
        return found;
    }

    FakeClock clock_;
    FakeRandom random_;
    MemoryStore store_;
    const Accounts accounts_{clock_, random_, "admin"};
};

TEST_F(AccountsTest, AddedAccountIsActiveEnrolledAndNew)
{
    const TotpParameters parameters{TotpAlgorithm::sha256, 8, 60s};
    const auto carol = accounts_.prepare(name("carol"), phc("Y2Fyb2xzYWx0"), parameters);
    ASSERT_TRUE(commit([&](Transaction& transaction) { return accounts_.add(transaction, carol); }));

    const auto added = account("carol");
    EXPECT_EQ(added.id, carol.id);
    EXPECT_EQ(added.state, AccountState::active);
    EXPECT_EQ(added.created_at, kNoon + 1h);
    EXPECT_EQ(added.password_set_at, kNoon + 1h);
    EXPECT_EQ(totp("carol").parameters, parameters);
    EXPECT_EQ(totp("carol").last_step, 0);
    EXPECT_EQ(totp("carol").failures, 0);
    EXPECT_FALSE(added.last_login);
    EXPECT_EQ(password("carol"), carol.phc.view());
    EXPECT_EQ(secret("carol"), carol.totp_secret.view());
    EXPECT_EQ(sessions(added.id), 0U);
}

TEST_F(AccountsTest, EachPreparedAccountHasItsOwnIdAndSecret)
{
    const auto one = accounts_.prepare(name("carol"), phc("c2FsdHNhbHQ"), {});
    const auto other = accounts_.prepare(name("carol"), phc("c2FsdHNhbHQ"), {});
    EXPECT_NE(one.id, other.id);
    EXPECT_NE(one.totp_secret.view(), other.totp_secret.view());
}

struct SecretCase {
    TotpAlgorithm algorithm;
    std::size_t size;  // octets: the hash's own (RFC 4226, R6)
};

class AccountsSecret : public AccountsTest, public testing::WithParamInterface<SecretCase> {};

TEST_P(AccountsSecret, IsAsLongAsTheHash)
{
    const auto account =
        accounts_.prepare(name("carol"), phc("c2FsdHNhbHQ"), {.algorithm = GetParam().algorithm});
    EXPECT_EQ(account.totp_secret.size(), GetParam().size);
}

INSTANTIATE_TEST_SUITE_P(Algorithms, AccountsSecret,
                         testing::Values(SecretCase{TotpAlgorithm::sha1, 20},
                                         SecretCase{TotpAlgorithm::sha256, 32},
                                         SecretCase{TotpAlgorithm::sha512, 64}),
                         [](const auto& row) { return std::string(to_string(row.param.algorithm)); });

TEST_F(AccountsTest, TakenNameIsRefusedAndTheOneThereKept)
{
    const auto before = password("alice");
    const auto second = accounts_.prepare(name("alice"), phc("b3RoZXJzYWx0"), {});
    const auto records = store_.audit().size();
    EXPECT_FALSE(commit([&](Transaction& transaction) { return accounts_.add(transaction, second); }));
    EXPECT_NE(account("alice").id, second.id);
    EXPECT_EQ(password("alice"), before);
    EXPECT_EQ(store_.audit().size(), records);
}

TEST_F(AccountsTest, DisablingEndsSessionsAndKeepsTheRest)
{
    const auto before = account("alice");
    ASSERT_TRUE(
        commit([&](Transaction& transaction) { return accounts_.disable(transaction, name("alice")); }));
    const auto after = account("alice");
    EXPECT_EQ(after.state, AccountState::disabled);
    EXPECT_EQ(after.password_epoch, before.password_epoch);
    EXPECT_EQ(totp("alice").failures, 1);
    EXPECT_EQ(sessions(after.id), 0U);
    EXPECT_EQ(devices("alice"), 2U);
}

TEST_F(AccountsTest, EnablingLetsInAgainAndBringsNoSessionBack)
{
    ASSERT_TRUE(
        commit([&](Transaction& transaction) { return accounts_.disable(transaction, name("alice")); }));
    ASSERT_TRUE(
        commit([&](Transaction& transaction) { return accounts_.enable(transaction, name("alice")); }));
    EXPECT_EQ(account("alice").state, AccountState::active);
    EXPECT_EQ(totp("alice").failures, 1);
    EXPECT_EQ(sessions(account("alice").id), 0U);
}

TEST_F(AccountsTest, RemovingLeavesNothingButTheAudit)
{
    const auto id = account("alice").id;
    ASSERT_TRUE(
        commit([&](Transaction& transaction) { return accounts_.remove(transaction, name("alice")); }));
    EXPECT_FALSE(store_.open_reader()->find_account(name("alice")));
    EXPECT_FALSE(store_.open_reader()->find_password(name("alice")));
    EXPECT_EQ(sessions(id), 0U);
    const auto record = store_.audit().back();
    EXPECT_EQ(record.event, "user.remove");
    EXPECT_EQ(record.reason, "alice") << "the id leads nowhere any more";
}

TEST_F(AccountsTest, ANewPasswordMustBeChangedOnlyWhereThatIsAskedFor)
{
    ASSERT_TRUE(commit([&](Transaction& transaction) {
        return accounts_.set_password(transaction, name("alice"), phc("b3RoZXJzYWx0")) &&
               accounts_.require_new_password(transaction, name("alice"));
    }));
    EXPECT_TRUE(account("alice").must_change);
    EXPECT_FALSE(account("bob").must_change);
    EXPECT_EQ(store_.audit().back().event, "user.must-change");
    ASSERT_TRUE(commit([&](Transaction& transaction) {
        return accounts_.set_password(transaction, name("alice"), phc("YW5vdGhlcnNhbHQ"));
    }));
    EXPECT_FALSE(account("alice").must_change);
    EXPECT_FALSE(commit([&](Transaction& transaction) {
        return accounts_.require_new_password(transaction, name("nobody"));
    }));
}

TEST_F(AccountsTest, RecoveryCodesAreGivenAndGoWithTheKey)
{
    const std::vector<RecoveryCodeHash> hashes{{1}, {2}};
    const auto give = [&](const char* who) {
        return commit([&](Transaction& transaction) {
            return accounts_.set_recovery_codes(transaction, name(who), hashes);
        });
    };
    EXPECT_TRUE(give("alice"));
    EXPECT_EQ(store_.audit().back().event, "user.recovery-codes");
    EXPECT_TRUE(give("bob"));
    EXPECT_FALSE(give("nobody"));
    ASSERT_TRUE(commit([&](Transaction& transaction) {
        return accounts_.reset_totp(transaction, name("alice"), Secret::copy_of("another"), {});
    }));
    EXPECT_EQ(account("alice").recovery_codes_made, 0);
    EXPECT_EQ(store_.open_reader()->count_recovery_codes(account("alice").id), 0);
    EXPECT_EQ(store_.open_reader()->count_recovery_codes(account("bob").id), 2);
}

TEST_F(AccountsTest, NewPasswordEndsSessionsAndMakesRunningChecksStale)
{
    const auto before = account("alice");
    const auto fresh = phc("ZnJlc2hzYWx0");
    ASSERT_TRUE(commit(
        [&](Transaction& transaction) { return accounts_.set_password(transaction, name("alice"), fresh); }));
    const auto after = account("alice");
    EXPECT_EQ(password("alice"), fresh.view());
    EXPECT_EQ(after.password_set_at, kNoon + 1h);
    EXPECT_EQ(after.password_epoch, before.password_epoch + 1);
    EXPECT_EQ(totp("alice").last_step, 59'343'840) << "a spent code stays spent";
    EXPECT_EQ(sessions(after.id), 0U);
    EXPECT_EQ(devices("alice"), 0U);
}

TEST_F(AccountsTest, NewKeyEndsSessionsAndStartsItsCountsAgain)
{
    const auto fresh = generate_totp_secret(TotpAlgorithm::sha512, random_);
    const TotpParameters parameters{TotpAlgorithm::sha512, 8, 30s};
    ASSERT_TRUE(commit([&](Transaction& transaction) {
        return accounts_.reset_totp(transaction, name("alice"), fresh, parameters);
    }));
    const auto after = account("alice");
    EXPECT_EQ(secret("alice"), fresh.view());
    EXPECT_EQ(totp("alice").parameters, parameters);
    EXPECT_EQ(totp("alice").failures, 0);
    EXPECT_EQ(totp("alice").last_step, 0);
    EXPECT_EQ(totp("alice").enrolled_at, kNoon + 1h);
    EXPECT_EQ(sessions(after.id), 0U);
    EXPECT_EQ(devices("alice"), 0U);
}

TEST_F(AccountsTest, OneDeviceIsForgotten)
{
    const auto forget = [&](const DeviceFingerprint& device) {
        return commit([&](Transaction& t) { return accounts_.forget_device(t, name("alice"), device); });
    };
    ASSERT_TRUE(forget(kLaptop));
    EXPECT_EQ(devices("alice"), 1U);
    EXPECT_EQ(sessions(account("alice").id), 1U);
    EXPECT_EQ(store_.audit().back().reason, short_form(kLaptop));
    const auto records = store_.audit().size();
    EXPECT_FALSE(forget(kLaptop)) << "it is not there any more";
    EXPECT_EQ(store_.audit().size(), records);
}

TEST_F(AccountsTest, AllDevicesAreForgotten)
{
    ASSERT_TRUE(commit([&](Transaction& t) { return accounts_.forget_devices(t, name("alice")); }));
    EXPECT_EQ(devices("alice"), 0U);
    EXPECT_EQ(devices("bob"), 2U);
    EXPECT_EQ(store_.audit().back().event, "user.forget-device");
    EXPECT_EQ(store_.audit().back().reason, "all");
    EXPECT_FALSE(commit([&](Transaction& t) { return accounts_.forget_devices(t, name("mallory")); }));
}

struct ChangeCase {
    const char* event;
    std::function<bool(const Accounts&, Transaction&, const UserName&)> change;
};

class EachChange : public AccountsTest, public testing::WithParamInterface<ChangeCase> {
  protected:
    bool make(const char* who)
    {
        return commit(
            [&](Transaction& transaction) { return GetParam().change(accounts_, transaction, name(who)); });
    }
};

TEST_P(EachChange, IsWrittenDownOnce)
{
    const auto id = account("alice").id;
    const auto records = store_.audit().size();
    ASSERT_TRUE(make("alice"));
    const auto audit = store_.audit();
    ASSERT_EQ(audit.size(), records + 1);
    EXPECT_EQ(audit.back().event, GetParam().event);
    EXPECT_EQ(audit.back().outcome, "done");
    EXPECT_EQ(audit.back().source, "admin");
    EXPECT_EQ(audit.back().user, id);
    EXPECT_EQ(audit.back().at, kNoon + 1h);
}

TEST_P(EachChange, TouchesNobodyElse)
{
    const auto password_before = password("bob");
    const auto secret_before = secret("bob");
    ASSERT_TRUE(make("alice"));
    const auto bob = account("bob");
    EXPECT_EQ(bob.state, AccountState::active);
    EXPECT_EQ(totp("bob").failures, 1);
    EXPECT_EQ(password("bob"), password_before);
    EXPECT_EQ(secret("bob"), secret_before);
    EXPECT_EQ(sessions(bob.id), 1U);
    EXPECT_EQ(devices("bob"), 2U);
}

TEST_P(EachChange, OfNobodyIsRefusedAndWritesNothing)
{
    const auto records = store_.audit().size();
    EXPECT_FALSE(make("mallory"));
    EXPECT_FALSE(store_.open_reader()->find_account(name("mallory")));
    EXPECT_EQ(store_.audit().size(), records);
}

TEST_P(EachChange, IsUndoneWithItsTransaction)
{
    const auto before = password("alice") + secret("alice");
    const auto records = store_.audit().size();
    store_.fail_commits(true);
    EXPECT_THROW(make("alice"), StoreError);
    store_.fail_commits(false);
    EXPECT_EQ(account("alice").state, AccountState::active);
    EXPECT_EQ(password("alice") + secret("alice"), before);
    EXPECT_EQ(sessions(account("alice").id), 1U);
    EXPECT_EQ(devices("alice"), 2U);
    EXPECT_EQ(store_.audit().size(), records);
}

INSTANTIATE_TEST_SUITE_P(
    Changes, EachChange,
    testing::Values(
        ChangeCase{"user.disable", [](const auto& accounts, auto& transaction,
                                      const auto& who) { return accounts.disable(transaction, who); }},
        ChangeCase{"user.enable", [](const auto& accounts, auto& transaction,
                                     const auto& who) { return accounts.enable(transaction, who); }},
        ChangeCase{"user.remove", [](const auto& accounts, auto& transaction,
                                     const auto& who) { return accounts.remove(transaction, who); }},
        ChangeCase{"user.passwd",
                   [](const auto& accounts, auto& transaction, const auto& who) {
                       return accounts.set_password(transaction, who, phc("ZnJlc2hzYWx0"));
                   }},
        ChangeCase{"user.reset-totp",
                   [](const auto& accounts, auto& transaction, const auto& who) {
                       const auto secret = Secret::copy_of("12345678901234567890");
                       return accounts.reset_totp(transaction, who, secret, {});
                   }},
        ChangeCase{"user.forget-device",
                   [](const auto& accounts, auto& transaction, const auto& who) {
                       return accounts.forget_device(transaction, who, kLaptop);
                   }}),
    [](const auto& row) {
        std::string test_name = row.param.event;
        std::erase_if(test_name, [](char c) { return c == '.' || c == '-'; });
        return test_name;
    });

}  // namespace
}  // namespace securelogin::auth
