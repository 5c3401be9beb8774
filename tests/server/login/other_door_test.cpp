// What a door beside the line protocol asks of the authenticator and of enrolments: tokens at login, a holder
// who is known by a token only, a new key, open enrolment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "server/auth/session_check.hpp"
#include "server/login/async_authenticator.hpp"
#include "server/login/async_enrolment.hpp"
#include "server/login/attempt_log.hpp"
#include "server/login/present_password.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_random.hpp"
#include "tests/support/memory_store.hpp"
#include "tests/support/one_time_code.hpp"
#include "tests/support/recorded_log.hpp"

namespace securelogin::login {
namespace {

using namespace std::chrono_literals;
using auth::EnrolmentRefusal;
using testing::ElementsAre;
using testing::HasSubstr;
using Step = EnrolmentStep::Result;

constexpr auto kPassword = "correct horse battery staple";
constexpr auto kNewPassword = "a quite different long sentence";
constexpr auto kHere = "192.0.2.7";

auth::UserName name(std::string_view text) { return auth::UserName::parse(text).value(); }

/// The secret in an otpauth URI, as bytes.
Secret secret_in(std::string_view uri)
{
    const auto begin = uri.find("secret=") + 7;
    const std::string text(uri.substr(begin, uri.find('&', begin) - begin));
    char* bytes = nullptr;
    std::size_t size = 0;
    if (oath_base32_decode(text.data(), text.size(), &bytes, &size) != OATH_OK) {
        throw std::runtime_error("no base32");
    }
    auto secret = Secret::copy_of({bytes, size});
    std::free(bytes);
    return secret;
}

/// co_spawn() wants results that can be made of nothing.
template <typename Result>
boost::asio::awaitable<void> keep(boost::asio::awaitable<Result> work, std::optional<Result>& into)
{
    auto result = co_await std::move(work);
    into.emplace(std::move(result));
}

/// Alice has an account.
class OtherDoor : public testing::Test {
  protected:
    OtherDoor()
    {
        const auth::NewAccount account{.id = auth::UserId{1},
                                       .name = name("alice"),
                                       .phc = auth::hash_password(Secret::copy_of(kPassword), {}),
                                       .totp_secret = secret_.clone(),
                                       .totp = {},
                                       .created_at = clock_.now()};
        commit([&](auth::Transaction& t) { ASSERT_TRUE(t.add_account(account)); });
    }
    ~OtherDoor() override { pool_.stop(); }

    void commit(const auth::Store::Work& work) { auth::transact(store_, work); }

    /// What an awaitable gives.
    template <typename Result>
    Result run(boost::asio::awaitable<Result> work)
    {
        boost::asio::io_context io;
        std::exception_ptr failure;
        std::optional<Result> result;
        boost::asio::co_spawn(io, keep(std::move(work), result),
                              [&](std::exception_ptr error) { failure = error; });
        io.run();
        if (failure) std::rethrow_exception(failure);
        return std::move(result.value());
    }

    Attempt admit(std::string_view password, const std::optional<auth::DeviceFingerprint>& device = {})
    {
        auto attempt = run(authenticator_.admit("alice", auth::Source::from_address(kHere), device));
        attempt.start_hashing(Secret::copy_of(password));
        return attempt;
    }
    /// A login as a page does it: the token that it gives.
    std::string log_in(const std::optional<auth::DeviceFingerprint>& device = {})
    {
        clock_.advance(30s);
        auto attempt = admit(kPassword, device);
        const auto outcome = run(attempt.decide_with_token(code()));
        if (!outcome.verdict || !outcome.verdict->granted) throw std::runtime_error("not let in");
        return std::string(outcome.verdict->granted->token->view());
    }
    [[nodiscard]] Secret code() const { return Secret::copy_of(support::code_at(secret_, clock_.now())); }
    auth::TokenVerdict check(std::string_view token)
    {
        const auto reader = store_.open_token_reader();
        return auth::SessionCheck({}, clock_, *reader).check(token);
    }
    /// What a door knows of whoever shows `token`: nothing else.
    auth::Session holder(std::string_view token)
    {
        const auto verdict = check(token);
        const auto& who = verdict.holder ? verdict.holder : verdict.confined;
        return session_of(who.value(), auth::Source::from_address("192.0.2.99"));
    }
    /// Password and a new code once more, for the holder of a session.
    bool confirm(const auth::Session& session, std::string_view password = kPassword)
    {
        clock_.advance(30s);
        auto attempt = admit(password);
        const auto outcome = run(attempt.confirm(code(), session));
        return outcome.verdict && outcome.verdict->granted;
    }
    [[nodiscard]] auth::Account account_of(std::string_view who) const
    {
        return store_reader_->find_account(name(who)).value();
    }
    std::size_t sessions_of_alice()
    {
        return store_.open_reader()->count_sessions(auth::UserId{1}, {}, clock_.now());
    }
    /// The records since the first `seen`, in short.
    std::vector<std::string> audit_since(std::size_t seen)
    {
        std::vector<std::string> lines;
        const auto records = store_.audit();
        for (auto i = seen; i < records.size(); ++i) {
            lines.push_back(records[i].event + ' ' + records[i].outcome + ' ' + records[i].reason + ' ' +
                            records[i].source);
        }
        return lines;
    }

    support::FakeClock clock_;
    support::FakeRandom random_;
    const Secret secret_ = Secret::copy_of("12345678901234567890");
    auth::NameKeyer names_{auth::MasterKey(Secret::copy_of("0123456789abcdef0123456789abcdef"))};
    auth::HashPool pool_{{.threads = 1, .queue = 4}, {}};
    support::MemoryStore store_;
    std::unique_ptr<auth::Reader> store_reader_ = store_.open_reader();
    Readers readers_{store_};
    support::RecordedLog log_;
    auth::Invitations invitations_{names_, clock_, random_, "admin"};
    auth::PasswordRules rules_{{"auth.example.net", "SecureLogin"}};
    std::shared_ptr<const auth::Authenticator> judge_ =
        std::make_shared<const auth::Authenticator>(auth::Policy{}, names_, clock_, random_);
    AsyncAuthenticator authenticator_{judge_, pool_, store_, readers_, rules_};
    AsyncEnrolments enrolments_{
        std::make_shared<const auth::Enrolments>(auth::Policy{}, names_, clock_, random_, "SecureLogin"),
        judge_,
        pool_,
        store_,
        readers_,
        rules_};
};

// Tokens

TEST_F(OtherDoor, ALoginGivesItsSessionsTokenInOneTransaction)
{
    const auto seen = store_.audit().size();
    const auto token = log_in();
    const auto verdict = check(token);
    ASSERT_TRUE(verdict.holder);
    EXPECT_EQ(verdict.holder->name.str(), "alice");
    EXPECT_EQ(verdict.holder->expires_at, clock_.now() + 12h);
    EXPECT_THAT(audit_since(seen),
                ElementsAre("login granted  192.0.2.7",
                            "session.token done " + verdict.holder->session + " 192.0.2.7"));
}

TEST_F(OtherDoor, ALoginThatIsRefusedGivesNone)
{
    auto attempt = admit("wrong");
    const auto outcome = run(attempt.decide_with_token(code()));
    ASSERT_TRUE(outcome.verdict);
    EXPECT_FALSE(outcome.verdict->granted);
    EXPECT_EQ(sessions_of_alice(), 0U);
}

TEST_F(OtherDoor, ALoginThatCannotBeCommittedGivesNeitherSessionNorToken)
{
    auto attempt = admit(kPassword);
    store_.fail_commits(true);
    const auto outcome = run(attempt.decide_with_token(code()));
    store_.fail_commits(false);
    EXPECT_FALSE(outcome.verdict);
    EXPECT_EQ(sessions_of_alice(), 0U);
    EXPECT_TRUE(store_.audit().empty());
}

TEST_F(OtherDoor, ALoginOfTheLineProtocolHasNoToken)
{
    auto attempt = admit(kPassword);
    const auto outcome = run(attempt.decide(code()));
    ASSERT_TRUE(outcome.verdict->granted);
    EXPECT_FALSE(outcome.verdict->granted->token);
    EXPECT_FALSE(outcome.verdict->granted->session.has_token);
}

TEST_F(OtherDoor, AHolderWhoMustChangeThePasswordIsNobodyToOtherPrograms)
{
    commit([&](auth::Transaction& t) { t.require_new_password(account_of("alice")); });
    const auto token = log_in();
    const auto verdict = check(token);
    EXPECT_FALSE(verdict.holder);
    ASSERT_TRUE(verdict.confined);
    EXPECT_TRUE(run(authenticator_.account(name("alice"), holder(token))).value().account.must_change);
    const auto change =
        run(authenticator_.change_password(name("alice"), holder(token), {}, Secret::copy_of(kNewPassword),
                                           AsyncAuthenticator::NewToken::issue));
    ASSERT_EQ(change.result, PasswordChange::Result::done);
    EXPECT_FALSE(check(token).confined) << "the old token has ended";
    EXPECT_TRUE(check(change.token->view()).holder);
    EXPECT_FALSE(check(change.token->view()).confined);
}

// A holder who is known by a token

TEST_F(OtherDoor, WhoeverIsKnownByATokenMayDoAllThatAHolderMay)
{
    const auto other = log_in();
    const auto token = log_in();
    const auto own = holder(token);
    EXPECT_TRUE(run(authenticator_.still_live(own)));
    const auto sessions = run(authenticator_.sessions(own));
    ASSERT_EQ(sessions.value().size(), 2U);
    EXPECT_EQ(sessions->front().id, own.id);
    const auto seen = store_.audit().size();
    EXPECT_EQ(run(authenticator_.revoke(own, "all")), 1U);
    EXPECT_FALSE(check(other).holder);
    const auto second = run(authenticator_.issue_token(own));
    EXPECT_FALSE(check(token).holder);
    ASSERT_TRUE(check(second->view()).holder);
    ASSERT_TRUE(confirm(own));
    EXPECT_EQ(run(authenticator_.replace_recovery_codes(name("alice"), own))->size(), auth::kRecoveryCodes);
    EXPECT_TRUE(run(authenticator_.log_out(own)));
    EXPECT_FALSE(check(second->view()).holder);
    EXPECT_FALSE(run(authenticator_.still_live(own)));
    EXPECT_THAT(audit_since(seen),
                ElementsAre("session.revoke done all 192.0.2.99",
                            "session.token done " + own.id + " 192.0.2.99", "confirm granted  192.0.2.7",
                            "recovery-codes.replace done  192.0.2.99", "logout done  192.0.2.99"));
}

TEST_F(OtherDoor, AnEndedSessionMayNothing)
{
    const auto own = holder(log_in());
    EXPECT_TRUE(run(authenticator_.log_out(own)));
    EXPECT_FALSE(run(authenticator_.account(name("alice"), own)));
    EXPECT_FALSE(run(authenticator_.devices(own)));
    EXPECT_FALSE(run(authenticator_.forget_device(own, "AQEBAQEB")));
    const auto change = run(authenticator_.change_password(
        name("alice"), own, {}, Secret::copy_of(kNewPassword), AsyncAuthenticator::NewToken::issue));
    EXPECT_EQ(change.result, PasswordChange::Result::session_ended);
    EXPECT_FALSE(change.token);
}

TEST_F(OtherDoor, TheAccountIsTheHoldersOnly)
{
    const auto own = holder(log_in());
    const auto mine = run(authenticator_.account(name("alice"), own)).value();
    EXPECT_EQ(mine.account.last_login->source, kHere);
    EXPECT_EQ(mine.recovery_codes, 0);
    EXPECT_FALSE(mine.account.must_change);
    const auth::NewAccount bob{.id = auth::UserId{2},
                               .name = name("bob"),
                               .phc = Secret::copy_of("$"),
                               .totp_secret = secret_.clone(),
                               .totp = {},
                               .created_at = clock_.now()};
    commit([&](auth::Transaction& t) { ASSERT_TRUE(t.add_account(bob)); });
    EXPECT_FALSE(run(authenticator_.account(name("bob"), own)));
}

TEST_F(OtherDoor, DevicesAreListedAndForgottenByTheirHolder)
{
    (void)log_in(auth::DeviceFingerprint{1});
    const auto own = holder(log_in(auth::DeviceFingerprint{2}));
    const auto devices = run(authenticator_.devices(own)).value();
    ASSERT_EQ(devices.size(), 2U);
    EXPECT_EQ(devices.front().fingerprint, auth::DeviceFingerprint{2});
    const auto seen = store_.audit().size();
    EXPECT_EQ(run(authenticator_.forget_device(own, "nonsense")), false);
    EXPECT_TRUE(audit_since(seen).empty());
    const auto first = auth::short_form(auth::DeviceFingerprint{1});
    EXPECT_EQ(run(authenticator_.forget_device(own, first)), true);
    EXPECT_EQ(run(authenticator_.forget_device(own, first)), false);
    EXPECT_THAT(audit_since(seen), ElementsAre("user.forget-device done " + first + " 192.0.2.99"));
    EXPECT_EQ(run(authenticator_.devices(own))->size(), 1U);
}

TEST_F(OtherDoor, ADeviceIsForgottenOnlyWhereOneIsMeant)
{
    auto twin = auth::DeviceFingerprint{1};
    twin.back() = 9;  // the same first characters
    (void)log_in(auth::DeviceFingerprint{1});
    const auto own = holder(log_in(twin));
    EXPECT_EQ(run(authenticator_.forget_device(own, auth::short_form(twin))), false);
    EXPECT_EQ(run(authenticator_.forget_device(own, auth::to_string(twin))), true);
}

// A page that is sent password, code and new password at once

TEST_F(OtherDoor, APasswordIsChangedInOneRequest)
{
    const auto other = log_in();
    const auto token = log_in();
    const auto own = holder(token);
    ASSERT_TRUE(confirm(own));
    const auto change = run(authenticator_.change_password(
        name("alice"), own, {}, Secret::copy_of(kNewPassword), AsyncAuthenticator::NewToken::issue));
    ASSERT_EQ(change.result, PasswordChange::Result::done);
    EXPECT_FALSE(check(other).holder);
    EXPECT_FALSE(check(token).holder);
    EXPECT_EQ(check(change.token->view()).holder.value().session, own.id);
    EXPECT_FALSE(confirm(own, kPassword));
    EXPECT_TRUE(confirm(own, kNewPassword));
}

TEST_F(OtherDoor, AWrongPresentPasswordOrCodeConfirmsNothing)
{
    const auto own = holder(log_in());
    EXPECT_FALSE(confirm(own, "wrong"));
    auto attempt = admit(kPassword);
    const auto outcome = run(attempt.confirm(Secret::copy_of("000000"), own));
    EXPECT_EQ(outcome.verdict->refusal, auth::Refusal::wrong_code);
    EXPECT_EQ(account_of("alice").password_epoch, 0);
}

TEST_F(OtherDoor, ThePresentPasswordIsNoNewOneAndTheTokenStays)
{
    const auto token = log_in();
    ASSERT_TRUE(confirm(holder(token)));
    const auto change = run(authenticator_.change_password(
        name("alice"), holder(token), {}, Secret::copy_of(kPassword), AsyncAuthenticator::NewToken::issue));
    EXPECT_EQ(change.result, PasswordChange::Result::refused);
    EXPECT_EQ(change.reason, kSamePassword);
    EXPECT_FALSE(change.token);
    EXPECT_TRUE(check(token).holder);
}

// Who must change the password, and is known by a token only

class ConfinedHolder : public OtherDoor {
  protected:
    ConfinedHolder()
    {
        commit([&](auth::Transaction& t) { t.require_new_password(account_of("alice")); });
        token_ = log_in();
        own_ = holder(token_);
    }
    PasswordChange change_to(std::string_view password)
    {
        using A = AsyncAuthenticator;
        return run(authenticator_.change_password(name("alice"), own_, {}, Secret::copy_of(password),
                                                  A::NewToken::issue, A::Proof::of_login));
    }
    /// From where the holder comes.
    auth::Failures failures()
    {
        auth::Failures counted;
        commit([&](auth::Transaction& t) {
            counted = t.failures(names_("alice"), auth::Source::from_address(own_.source));
        });
        return counted;
    }

    std::string token_;
    auth::Session own_;
};

TEST_F(ConfinedHolder, IsChargedForEachGuessAtThePresentPassword)
{
    for (int guesses = 1; guesses <= 5; ++guesses) {
        EXPECT_EQ(change_to(kPassword).reason, kSamePassword);
        EXPECT_EQ(failures().password, guesses);
    }
    const auto change = change_to(kPassword);
    EXPECT_EQ(change.result, PasswordChange::Result::try_later);
    EXPECT_EQ(change.reason, "throttled");
    EXPECT_EQ(change.retry_after, 1s);
    EXPECT_EQ(change_to(kNewPassword).result, PasswordChange::Result::try_later);
    EXPECT_EQ(failures().password, 5) << "what is not judged is not charged";
    clock_.advance(1s);
    EXPECT_EQ(change_to(kNewPassword).result, PasswordChange::Result::done);
    EXPECT_EQ(failures().password, 5) << "only its own charge is given back";
}

TEST_F(ConfinedHolder, IsNotChargedForAPasswordThatIsTooWeakOrIsTaken)
{
    for (int tries = 0; tries < 8; ++tries)
        EXPECT_EQ(change_to("password1").result, PasswordChange::Result::refused);
    EXPECT_EQ(failures().password, 0);
    EXPECT_EQ(change_to(kNewPassword).result, PasswordChange::Result::done);
    EXPECT_EQ(failures().password, 0);
}

TEST_F(ConfinedHolder, ChangesItOnceWithoutProof)
{
    EXPECT_EQ(change_to(kNewPassword).result, PasswordChange::Result::done);
    // As one that was compared before the other was stored.
    EXPECT_EQ(change_to("another long sentence of words").result, PasswordChange::Result::session_ended);
    EXPECT_EQ(failures().password, 1) << "it was a guess";
    EXPECT_EQ(account_of("alice").password_epoch, 1);
}

TEST_F(ConfinedHolder, StaysOneWhenNothingCanBeSaved)
{
    store_.fail_commits(true);
    EXPECT_EQ(change_to(kNewPassword).result, PasswordChange::Result::try_later);
    store_.fail_commits(false);
    EXPECT_EQ(failures().password, 0);
    EXPECT_TRUE(account_of("alice").must_change);
}

// A new key

class NewKeyOfAHolder : public OtherDoor {
  protected:
    EnrolmentUnderWay begin(const auth::Session& own)
    {
        EnrolmentUnderWay replacement(
            enrolments_, {.source = auth::Source::from_address(kHere), .device = auth::DeviceFingerprint{2}});
        EXPECT_EQ(run(replacement.begin_replacement(name("alice"), own)).result, Step::done);
        return replacement;
    }
    EnrolmentStep prove(EnrolmentUnderWay& replacement)
    {
        const auto secret = secret_in(replacement.uri().view());
        return run(replacement.prove(Secret::copy_of(support::code_at(secret, clock_.now()))));
    }
};

TEST_F(NewKeyOfAHolder, TakesTheOldOnesPlaceOnceItIsProved)
{
    const auto other = log_in(auth::DeviceFingerprint{1});
    const auto token = log_in(auth::DeviceFingerprint{2});
    const auto own = holder(token);
    ASSERT_TRUE(confirm(own));
    commit([&](auth::Transaction& t) { t.count_code_failure(auth::UserId{1}); });
    ASSERT_EQ(run(authenticator_.replace_recovery_codes(name("alice"), own))->size(), auth::kRecoveryCodes);
    auto replacement = begin(own);
    const auto uri = replacement.uri();
    EXPECT_THAT(std::string(uri.view()), HasSubstr("otpauth://totp/SecureLogin:alice?secret="));
    EXPECT_EQ(account_of("alice").totp->failures, 1) << "before the code nothing is changed";
    const auto seen = store_.audit().size();
    ASSERT_EQ(prove(replacement).result, Step::done);

    const auto alice = account_of("alice");
    EXPECT_EQ(alice.totp->failures, 0);
    EXPECT_EQ(alice.totp->last_step, clock_.now().time_since_epoch() / 30s);
    commit(
        [&](auth::Transaction& t) { EXPECT_EQ(t.totp_secret(alice).view(), secret_in(uri.view()).view()); });
    EXPECT_FALSE(check(other).holder);
    EXPECT_FALSE(check(token).holder);
    EXPECT_EQ(check(replacement.token()->view()).holder.value().session, own.id);
    EXPECT_EQ(run(authenticator_.devices(own))->size(), 1U);
    EXPECT_EQ(store_reader_->count_recovery_codes(alice.id), 10);
    EXPECT_TRUE(replacement.recovery_codes().empty());
    EXPECT_THAT(audit_since(seen),
                ElementsAre("totp.replace done  192.0.2.99", "session.token done " + own.id + " 192.0.2.99"));
}

TEST_F(NewKeyOfAHolder, TheOldKeysCodesAreWrong)
{
    const auto own = holder(log_in());
    auto replacement = begin(own);
    const auto secret = secret_in(replacement.uri().view());
    ASSERT_EQ(prove(replacement).result, Step::done);
    EXPECT_FALSE(confirm(own));
    clock_.advance(30s);
    auto attempt = admit(kPassword);
    EXPECT_TRUE(
        run(attempt.decide(Secret::copy_of(support::code_at(secret, clock_.now())))).verdict->granted);
}

TEST_F(NewKeyOfAHolder, IsProvedOnce)
{
    const auto own = holder(log_in());
    auto replacement = begin(own);
    const auto secret = secret_in(replacement.uri().view());
    const auto first = support::code_at(secret, clock_.now());
    ASSERT_EQ(run(replacement.prove(Secret::copy_of(first))).result, Step::done);
    commit([&](auth::Transaction& t) {
        EXPECT_TRUE(t.spend_step(auth::UserId{1}, account_of("alice").totp->last_step + 1));
    });
    const auto last_step = account_of("alice").totp->last_step;
    EXPECT_EQ(run(replacement.prove(Secret::copy_of(first))).refusal, EnrolmentRefusal::over);
    EXPECT_EQ(account_of("alice").totp->last_step, last_step) << "what was spent stays spent";
}

TEST_F(NewKeyOfAHolder, AWrongCodeChangesNothingAndFiveAreEnough)
{
    const auto token = log_in();
    auto replacement = begin(holder(token));
    const auto before = account_of("alice").totp->enrolled_at;
    for (int tries = 0; tries < kMostWrongCodes; ++tries) {
        EXPECT_EQ(run(replacement.prove(Secret::copy_of("abc"))).refusal, EnrolmentRefusal::wrong_code);
    }
    EXPECT_EQ(audit_since(store_.audit().size() - 1).front(), "totp.replace refused wrong_code 192.0.2.99");
    const auto seen = store_.audit().size();
    EXPECT_EQ(prove(replacement).refusal, EnrolmentRefusal::over);
    EXPECT_EQ(store_.audit().size(), seen);
    EXPECT_EQ(account_of("alice").totp->enrolled_at, before);
    EXPECT_EQ(account_of("alice").totp->failures, 0);
    EXPECT_TRUE(check(token).holder);
    EXPECT_FALSE(replacement.token());
}

TEST_F(NewKeyOfAHolder, IsForWhoIsStillLoggedIn)
{
    const auto own = holder(log_in());
    auto replacement = begin(own);
    EXPECT_TRUE(run(authenticator_.log_out(own)));
    EXPECT_EQ(prove(replacement).refusal, EnrolmentRefusal::session_ended);
    EnrolmentUnderWay another(enrolments_, {.source = auth::Source::from_address(kHere)});
    EXPECT_EQ(run(another.begin_replacement(name("alice"), own)).refusal, EnrolmentRefusal::session_ended);
    commit(
        [&](auth::Transaction& t) { EXPECT_EQ(t.totp_secret(account_of("alice")).view(), secret_.view()); });
}

TEST_F(NewKeyOfAHolder, IsForNobodyWhoIsDisabledMeanwhile)
{
    const auto own = holder(log_in());
    auto replacement = begin(own);
    commit([&](auth::Transaction& t) { t.set_state(account_of("alice"), auth::AccountState::disabled); });
    EXPECT_EQ(prove(replacement).refusal, EnrolmentRefusal::session_ended);
}

TEST_F(NewKeyOfAHolder, WhatCannotBeCommittedHasNotHappened)
{
    const auto token = log_in();
    auto replacement = begin(holder(token));
    store_.fail_commits(true);
    EXPECT_EQ(prove(replacement).result, Step::not_judged);
    store_.fail_commits(false);
    EXPECT_TRUE(check(token).holder);
    commit(
        [&](auth::Transaction& t) { EXPECT_EQ(t.totp_secret(account_of("alice")).view(), secret_.view()); });
}

// Open enrolment

class OpenDoor : public OtherDoor {
  protected:
    EnrolmentUnderWay guest(const char* address = kHere)
    {
        return {enrolments_, {.source = auth::Source::from_address(address)}};
    }
    EnrolmentStep prove(EnrolmentUnderWay& enrolment)
    {
        const auto secret = secret_in(enrolment.uri().view());
        return run(enrolment.prove(Secret::copy_of(support::code_at(secret, clock_.now()))));
    }
};

TEST_F(OpenDoor, MakesAnAccountThatLogsIn)
{
    auto enrolment = guest();
    auto step = run(enrolment.begin_open("Dora"));
    log_step(log_, enrolment, step, "begun", 7, "web");
    ASSERT_EQ(step.result, Step::done);
    EXPECT_EQ(run(enrolment.choose_password(Secret::copy_of("password"))).result, Step::refused);
    ASSERT_EQ(run(enrolment.choose_password(Secret::copy_of(kNewPassword))).result, Step::done);
    EXPECT_FALSE(store_reader_->find_account(name("dora")));
    step = prove(enrolment);
    log_step(log_, enrolment, step, "granted", 7, "web");
    ASSERT_EQ(step.result, Step::done);
    EXPECT_EQ(enrolment.recovery_codes().size(), auth::kRecoveryCodes);
    EXPECT_EQ(account_of("dora").recovery_codes_made, 10);
    EXPECT_THAT(audit_since(0), ElementsAre("enrol.open granted  192.0.2.7"));
    EXPECT_THAT(log_.lines(),
                ElementsAre("enrol.open outcome=begun source=192.0.2.7 connection=7 door=web",
                            "enrol.open outcome=granted user=dora source=192.0.2.7 connection=7 door=web"));
    const auto secret = secret_in(enrolment.uri().view());
    clock_.advance(30s);
    auto attempt = run(authenticator_.admit("dora", auth::Source::from_address(kHere), {}));
    attempt.start_hashing(Secret::copy_of(kNewPassword));
    EXPECT_TRUE(
        run(attempt.decide(Secret::copy_of(support::code_at(secret, clock_.now())))).verdict->granted);
}

TEST_F(OpenDoor, TellsNobodySomebodyElsesPassword)
{
    auto enrolment = guest();
    ASSERT_EQ(run(enrolment.begin_open("dora")).result, Step::done);
    const auth::NewAccount dora{.id = auth::UserId{3},
                                .name = name("dora"),
                                .phc = auth::hash_password(Secret::copy_of(kPassword), {}),
                                .totp_secret = secret_.clone(),
                                .totp = {},
                                .created_at = clock_.now()};
    commit([&](auth::Transaction& t) { ASSERT_TRUE(t.add_account(dora)); });
    EXPECT_EQ(run(enrolment.choose_password(Secret::copy_of(kPassword))).result, Step::done);
    EXPECT_EQ(prove(enrolment).refusal, EnrolmentRefusal::name_taken);
    EXPECT_EQ(account_of("dora").id, auth::UserId{3});
}

TEST_F(OpenDoor, WhatWasTypedIsInNoLog)
{
    auto enrolment = guest();
    const auto step = run(enrolment.begin_open("my secret"));
    log_step(log_, enrolment, step, "begun", 7);
    EXPECT_EQ(step.refusal, EnrolmentRefusal::no_name);
    EXPECT_THAT(std::string(sentence_about(*step.refusal)), HasSubstr("letters"));
    EXPECT_THAT(log_.lines(),
                ElementsAre("enrol.open outcome=refused reason=no_name source=192.0.2.7 connection=7"));
}

// Events

TEST_F(OtherDoor, AttemptsTellTheirDoorWhereItIsAnother)
{
    auto attempt = admit(kPassword, auth::DeviceFingerprint{1});
    const auto outcome = run(attempt.decide(Secret::copy_of("000000")));
    log_attempt(log_, "login", attempt.claim(), outcome, 7);
    log_attempt(log_, "login", attempt.claim(), outcome, 7, "web");
    const std::string line =
        "login outcome=refused reason=wrong_code user=alice source=192.0.2.7 connection=7 device=" +
        auth::short_form(auth::DeviceFingerprint{1});
    const std::string alarm = "alarm.wrong-code user=alice source=192.0.2.7 connection=7";
    EXPECT_THAT(log_.lines(), ElementsAre(line, alarm, line + " door=web", alarm + " door=web"));
}

}  // namespace
}  // namespace securelogin::login
