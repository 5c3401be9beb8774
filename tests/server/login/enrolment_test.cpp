// The dialogue that an invitation opens, with the real domain below it.
#include "server/login/enrolment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "server/login/async_enrolment.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_random.hpp"
#include "tests/support/memory_store.hpp"
#include "tests/support/one_time_code.hpp"
#include "tests/support/recorded_log.hpp"
#include "tests/support/scripted_peer.hpp"

namespace securelogin::login {
namespace {

using namespace std::chrono_literals;
using support::ScriptedPeer;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using Codes = std::vector<int>;

constexpr auto kPassword = "correct horse battery staple";
constexpr auto kWrong = "000000";

/// The secret in an otpauth URI, as bytes.
Secret secret_in(const std::string& uri)
{
    const auto begin = uri.find("secret=") + 7;
    const auto text = uri.substr(begin, uri.find('&', begin) - begin);
    char* bytes = nullptr;
    std::size_t size = 0;
    if (oath_base32_decode(text.data(), text.size(), &bytes, &size) != OATH_OK) {
        throw std::runtime_error("no base32: " + text);
    }
    auto secret = Secret::copy_of({bytes, size});
    std::free(bytes);
    return secret;
}

class EnrolmentDialogue : public testing::Test {
  protected:
    ~EnrolmentDialogue() override { pool_.stop(); }

    std::string invite(const char* who = "carol")
    {
        const auto prepared = invitations_.prepare(auth::UserName::parse(who).value(), 24h);
        auth::transact(store_, [&](auth::Transaction& t) { t.save_invitation(prepared.invitation); });
        return std::string(prepared.text.view());
    }

    /// Runs a whole conversation; how it ended.
    std::string converse(ScriptedPeer& peer)
    {
        const Setting setting{.server_name = "auth.example.net",
                              .authenticator = authenticator_,
                              .log = log_,
                              .enrolments = &enrolments_};
        boost::asio::io_context io;
        std::exception_ptr ended;
        boost::asio::co_spawn(io, login::converse(peer, setting),
                              [&](std::exception_ptr error) { ended = error; });
        io.run();
        if (!ended) return "said goodbye";
        try {
            std::rethrow_exception(ended);
        } catch (const std::exception& error) {
            return error.what();
        }
    }

    /// The code of the key that the peer was last told, when it is asked for.
    ScriptedPeer::Answer code_for(ScriptedPeer& peer, std::chrono::seconds later = 0s)
    {
        return [this, &peer, later] {
            clock_.advance(later);
            std::string uri;
            for (const auto& reply : peer.said()) {
                for (const auto& [key, value] : reply.facts) {
                    if (key == "otpauth") uri = value;
                }
            }
            return support::code_at(secret_in(uri), clock_.now());
        };
    }

    bool has_account(const char* who = "carol")
    {
        return store_.open_reader()->find_account(auth::UserName::parse(who).value()).has_value();
    }

    support::FakeClock clock_;
    support::FakeRandom random_;
    auth::NameKeyer names_{auth::MasterKey(Secret::copy_of("0123456789abcdef0123456789abcdef"))};
    auth::HashPool pool_{{.threads = 1, .queue = 4}, {}};
    support::MemoryStore store_;
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

struct AnswerCase {
    const char* name;
    const char* answer;
    const char* invitation;  // nullptr: it is a name
};

void PrintTo(const AnswerCase& row, std::ostream* out) { *out << row.name; }

class AnswersToTheFirstQuestion : public testing::TestWithParam<AnswerCase> {};

TEST_P(AnswersToTheFirstQuestion, AreNamesOrInvitations)
{
    const auto found = invitation_in(GetParam().answer);
    ASSERT_EQ(found.has_value(), GetParam().invitation != nullptr);
    if (!found) return;
    EXPECT_EQ(found->view(), GetParam().invitation);
}

INSTANTIATE_TEST_SUITE_P(
    Enrolment, AnswersToTheFirstQuestion,
    testing::Values(AnswerCase{"Verb", "ENROL ABCD", "ABCD"}, AnswerCase{"AnyCase", "eNrOl ABCD", "ABCD"},
                    AnswerCase{"TwoBlanks", "ENROL  AB CD ", " AB CD "}, AnswerCase{"Nothing", "ENROL ", ""},
                    AnswerCase{"AUserOfThatName", "enrol", nullptr},
                    AnswerCase{"ALongerName", "enrolment", nullptr},
                    AnswerCase{"ANameThatIsNone", "enroll ABCD", nullptr},
                    AnswerCase{"BlankInFront", " ENROL ABCD", nullptr}, AnswerCase{"Empty", "", nullptr}),
    [](const auto& row) { return row.param.name; });

TEST_F(EnrolmentDialogue, GoesAsTheProtocolShows)
{
    ScriptedPeer peer({"enrol " + invite(), kPassword});
    peer.then(code_for(peer));
    EXPECT_EQ(converse(peer), "peer left");
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 333, 332, 250, 330));
    const auto& question = peer.said()[3];
    EXPECT_EQ(question.facts[0].first, "otpauth");
    EXPECT_THAT(question.facts[0].second, testing::StartsWith("otpauth://totp/SecureLogin:carol?secret="));
    const auto& done = peer.said()[4];
    EXPECT_EQ(done.text, "Enrolled");
    ASSERT_EQ(done.facts.size(), 1 + auth::kRecoveryCodes);
    EXPECT_EQ(done.facts[0], (std::pair<std::string, std::string>("user", "carol")));
    for (const auto& [key, value] : std::span(done.facts).subspan(1)) {
        EXPECT_EQ(key, "recovery-code");
        EXPECT_TRUE(auth::parse_recovery_code(value)) << value;
    }
    EXPECT_TRUE(has_account());
    EXPECT_FALSE(peer.was_logged_in());
    EXPECT_THAT(log_.lines(), ElementsAre("enrol outcome=begun user=carol source=192.0.2.7 connection=7",
                                          "enrol outcome=granted user=carol source=192.0.2.7 connection=7"));
}

TEST_F(EnrolmentDialogue, HasPatience)
{
    ScriptedPeer peer({"ENROL " + invite(), "short", kPassword, kWrong});
    peer.then(code_for(peer));
    (void)converse(peer);
    using enum Peer::Patience;
    EXPECT_THAT(peer.patiences(), ElementsAre(answer, enrolment, enrolment, enrolment, enrolment, answer));
}

TEST_F(EnrolmentDialogue, LeadsToALogin)
{
    ScriptedPeer peer({"enrol " + invite(), kPassword});
    peer.then(code_for(peer)).then("carol").then(kPassword).then(code_for(peer));
    peer.then("carol").then(kPassword).then(code_for(peer, 30s)).then("QUIT");
    EXPECT_EQ(converse(peer), "said goodbye");
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 333, 332, 250,   // enrolled,
                                          330, 331, 332, 530,        // the code that proved it is spent,
                                          330, 331, 332, 230, 221))  // and the next one opens
        << "an enrolment does not count as a failed attempt";
}

struct Dialogue {
    const char* name;
    std::vector<std::string> answers;  // after the invitation
    Codes codes;                       // after the first question
    std::string logged;                // a part of the last line
};

void PrintTo(const Dialogue& row, std::ostream* out) { *out << row.name; }

class FailedEnrolment : public EnrolmentDialogue, public testing::WithParamInterface<Dialogue> {};

TEST_P(FailedEnrolment, LeavesTheInvitation)
{
    const auto invitation = invite();
    ScriptedPeer peer({"enrol " + invitation});
    for (const auto& answer : GetParam().answers) peer.then(answer);
    EXPECT_EQ(converse(peer), "peer left");
    const auto said = peer.codes();
    EXPECT_THAT(Codes(said.begin() + 2, said.end()), ElementsAreArray(GetParam().codes));
    EXPECT_THAT(log_.lines().back(), HasSubstr(GetParam().logged));
    EXPECT_FALSE(has_account());

    ScriptedPeer again({"enrol " + invitation, kPassword});
    again.then(code_for(again));
    (void)converse(again);
    EXPECT_TRUE(has_account());
}

INSTANTIATE_TEST_SUITE_P(
    Enrolment, FailedEnrolment,
    testing::Values(Dialogue{"LeftAtThePassword", {}, {333}, "outcome=begun"},
                    Dialogue{"LeftAtTheCode", {kPassword}, {333, 332}, "outcome=begun"},
                    Dialogue{"Cancelled", {""}, {333, 501, 330}, "outcome=begun"},
                    Dialogue{
                        "CancelledAfterARefusal", {"short", ""}, {333, 553, 333, 501, 330}, "outcome=begun"},
                    Dialogue{"ThreePasswordsRefused",
                             {"short", "password1", "12345678"},
                             {333, 553, 333, 553, 333, 553, 330},
                             "outcome=begun"},
                    Dialogue{"OneWrongCode",
                             {kPassword, kWrong},
                             {333, 332, 530, 332},
                             "outcome=refused reason=wrong_code user=carol source=192.0.2.7 connection=7"},
                    Dialogue{"ThreeWrongCodes",
                             {kPassword, kWrong, "", "a code"},
                             {333, 332, 530, 332, 530, 332, 530, 330},
                             "outcome=refused reason=wrong_code"}),
    [](const auto& row) { return row.param.name; });

TEST_F(EnrolmentDialogue, TheKeyIsToldOnce)
{
    ScriptedPeer peer({"enrol " + invite(), kPassword, kWrong, kWrong});
    (void)converse(peer);
    EXPECT_EQ(peer.said()[3].facts.size(), 1U);
    EXPECT_TRUE(peer.said()[5].facts.empty());
    EXPECT_EQ(to_wire(peer.said()[4]), "530 Enrolment failed\r\n");
}

TEST_F(EnrolmentDialogue, WrongInvitationsCountAsAttempts)
{
    ScriptedPeer peer({"enrol wrong", "enrol ", "alice", "pw", kWrong});
    EXPECT_EQ(converse(peer), "said goodbye");
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 530, 330, 530, 330, 331, 332, 530, 421));
    EXPECT_EQ(log_.lines()[0],
              "enrol outcome=refused reason=unknown_invitation source=192.0.2.7 connection=7");
    for (const auto& line : log_.lines()) EXPECT_THAT(line, testing::Not(HasSubstr("wrong ")));
}

TEST_F(EnrolmentDialogue, AbandonedOnesCountAsAttempts)
{
    const auto enrol = "enrol " + invite();
    ScriptedPeer peer({enrol, "", enrol, "", enrol, ""});
    EXPECT_EQ(converse(peer), "said goodbye");
    EXPECT_EQ(peer.codes().back(), 421);
}

TEST_F(EnrolmentDialogue, ASourceThatGuessesIsToldToWait)
{
    for (int visit = 0; visit < 2; ++visit) {
        ScriptedPeer peer({"enrol a", "enrol b", "enrol c"});
        (void)converse(peer);
    }
    ScriptedPeer peer({"enrol " + invite()});
    (void)converse(peer);
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 450, 330));
    EXPECT_EQ(peer.said()[2].facts[0].first, "retry-after");
    EXPECT_EQ(log_.lines().back(), "enrol outcome=not_judged reason=throttled source=192.0.2.7 connection=7");
}

TEST_F(EnrolmentDialogue, OneThatIsUsedMeanwhileEndsAtOnce)
{
    ScriptedPeer peer({"enrol " + invite(), kPassword});
    peer.then([&] {
        auth::transact(store_, [](auth::Transaction& t) {
            t.remove_invitation(auth::UserName::parse("carol").value());
        });
        return code_for(peer)();
    });
    EXPECT_EQ(converse(peer), "peer left");
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 333, 332, 530, 330));
    EXPECT_FALSE(has_account());
}

TEST_F(EnrolmentDialogue, AStoreThatIsOutOfOrderIsNoRefusal)
{
    ScriptedPeer peer({"enrol " + invite(), kPassword});
    peer.then([&] {
        store_.fail_commits(true);
        return code_for(peer)();
    });
    peer.then([&] {
        store_.fail_commits(false);
        return code_for(peer)();
    });
    EXPECT_EQ(converse(peer), "peer left");
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 333, 332, 450, 332, 250, 330));
    EXPECT_TRUE(has_account());
}

TEST_F(EnrolmentDialogue, AStoreThatIsOutOfOrderFromTheBeginning)
{
    const auto enrol = "enrol " + invite();
    store_.fail_commits(true);
    ScriptedPeer peer({enrol});
    EXPECT_EQ(converse(peer), "peer left");
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 450, 330));
    EXPECT_THAT(log_.lines().back(), HasSubstr("outcome=not_judged"));
}

TEST_F(EnrolmentDialogue, AFullHashQueueIsNoRefusal)
{
    std::vector<auth::HashPool::Place> taken;
    const auth::Asker other{.standing = auth::Standing::known_device, .source = "another"};
    for (int i = 0; i < 4; ++i) taken.push_back(pool_.reserve(other).value());
    ScriptedPeer peer({"enrol " + invite(), kPassword});
    peer.then([&] {
        taken.clear();
        return std::string(kPassword);
    });
    peer.then(code_for(peer));
    EXPECT_EQ(converse(peer), "peer left");
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 333, 450, 333, 332, 250, 330));
}

}  // namespace
}  // namespace securelogin::login
