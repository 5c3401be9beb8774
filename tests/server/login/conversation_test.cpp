#include "server/login/conversation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

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
using testing::HasSubstr;

constexpr auto kPassword = "correct horse battery staple";
constexpr auto kNewPassword = "a quite different long sentence";

class ConversationTest : public testing::Test {
  protected:
    ConversationTest()
    {
        const auth::NewAccount account{.id = auth::UserId{1},
                                       .name = *auth::UserName::parse("alice"),
                                       .phc = auth::hash_password(Secret::copy_of(kPassword), {}),
                                       .totp_secret = secret_.clone(),
                                       .totp = {},
                                       .created_at = clock_.now()};
        auth::transact(store_, [&](auth::Transaction& t) { ASSERT_TRUE(t.add_account(account)); });
    }

    ~ConversationTest() override { pool_.stop(); }

    /// Runs a whole conversation; the exception that ended it, if one did, is thrown.
    void converse(ScriptedPeer& peer)
    {
        const Setting setting{
            .server_name = "auth.example.net", .authenticator = authenticator_, .log = log_};
        boost::asio::io_context io;
        std::exception_ptr ended;
        boost::asio::co_spawn(io, login::converse(peer, setting),
                              [&](std::exception_ptr error) { ended = error; });
        io.run();
        if (ended) std::rethrow_exception(ended);
    }

    [[nodiscard]] std::string current_code() const { return support::code_at(secret_, clock_.now()); }

    /// A peer that has logged in and goes on with `answers`.
    ScriptedPeer logged_in(const std::vector<std::string>& answers)
    {
        ScriptedPeer peer({"alice", kPassword, current_code()});
        for (const auto& answer : answers) peer.then(answer);
        return peer;
    }

    support::FakeClock clock_;
    support::FakeRandom random_;
    const Secret secret_ = Secret::copy_of("12345678901234567890");
    auth::MasterKey master_{Secret::copy_of("0123456789abcdef0123456789abcdef")};
    auth::HashPool pool_{{.threads = 1, .queue = 4}, {}};
    support::MemoryStore store_;
    Readers readers_{store_};
    support::RecordedLog log_;
    AsyncAuthenticator authenticator_{
        std::make_shared<const auth::Authenticator>(auth::Policy{}, master_, clock_, random_), pool_, store_,
        readers_, std::vector<std::string>{"auth.example.net", "SecureLogin"}};
};

TEST_F(ConversationTest, LogsInAsTheProtocolShows)
{
    auto peer = logged_in({"QUIT"});
    converse(peer);
    std::string wire;
    for (const auto& reply : peer.said()) wire += to_wire(reply);
    const auto session = peer.said()[4].facts[1].second;
    EXPECT_EQ(wire,
              "220 auth.example.net SecureLogin 1 ready\r\n"
              "330 Username:\r\n331 Password:\r\n332 Code:\r\n"
              "230-user alice\r\n230-session " +
                  session +
                  "\r\n230-expires 2026-06-02T00:00:00Z\r\n230 Login successful\r\n"
                  "221 Bye; the session lives on until it expires\r\n");
    EXPECT_TRUE(peer.was_logged_in());
    EXPECT_EQ(peer.patiences().back(), Peer::Patience::idle);
    EXPECT_THAT(
        log_.lines(),
        ElementsAre("login outcome=granted user=alice source=192.0.2.7 connection=7 session=" + session));
}

TEST_F(ConversationTest, TellsOfTheLastLoginAndOfFailuresSince)
{
    auto first = logged_in({"QUIT"});
    converse(first);
    clock_.advance(30s);
    ScriptedPeer second({"alice", "wrong", "000000", "alice", kPassword, current_code(), "QUIT"});
    converse(second);
    EXPECT_THAT(second.codes(), ElementsAre(220, 330, 331, 332, 530, 330, 331, 332, 230, 221));
    const auto& facts = second.said()[8].facts;
    ASSERT_EQ(facts.size(), 5U);
    EXPECT_EQ(facts[3],
              (std::pair<std::string, std::string>("last-login", "2026-06-01T12:00:00Z 192.0.2.7")));
    EXPECT_EQ(facts[4], (std::pair<std::string, std::string>("failures-since", "1")));
}

TEST_F(ConversationTest, TellsThatHalfOfTheWrongCodesAreUsedUp)
{
    auth::transact(store_, [&](auth::Transaction& transaction) {
        const auto account = transaction.find_account(auth::UserName::parse("alice").value());
        for (int guess = 0; guess < 52; ++guess) transaction.count_code_failure(account->id);
    });
    auto peer = logged_in({"QUIT"});
    converse(peer);
    EXPECT_EQ(peer.said()[4].facts.back(), (std::pair<std::string, std::string>("code-failures", "52 103")));
}

struct NoCase {
    std::string name;
    std::string user;
    std::string password;
    std::string code;
    std::string logged;
    std::vector<std::string> alarms = {};
};

void PrintTo(const NoCase& row, std::ostream* out) { *out << row.name; }

class Noes : public ConversationTest, public testing::WithParamInterface<NoCase> {};

TEST_P(Noes, AreAllAlike)
{
    const auto& row = GetParam();
    const auto right = current_code();
    ScriptedPeer peer({row.user, row.password, row.code == "right" ? right : row.code});
    EXPECT_THROW(converse(peer), PeerLeft);
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 331, 332, 530, 330));
    EXPECT_EQ(to_wire(peer.said()[4]), "530 Login failed\r\n");
    EXPECT_FALSE(peer.was_logged_in());
    auto lines = log_.lines();
    ASSERT_FALSE(lines.empty());
    EXPECT_THAT(lines[0], HasSubstr(row.logged));
    lines.erase(lines.begin());
    EXPECT_EQ(lines, row.alarms);
    if (!row.user.empty() && row.user != "alice") {
        EXPECT_THAT(log_.lines()[0], testing::Not(HasSubstr(row.user))) << "it may be a password";
    }
}

INSTANTIATE_TEST_SUITE_P(
    Conversation, Noes,
    testing::Values(NoCase{"WrongPassword", "alice", "wrong", "right", "wrong_password"},
                    NoCase{"EmptyPassword", "alice", "", "right", "wrong_password"},
                    NoCase{"OverLongPassword", "alice", std::string(1024, 'x'), "right", "wrong_password"},
                    NoCase{"WrongCode",
                           "alice",
                           kPassword,
                           "000000",
                           "wrong_code",
                           {"alarm.wrong-code user=alice source=192.0.2.7 connection=7"}},
                    NoCase{"EmptyCode",
                           "alice",
                           kPassword,
                           "",
                           "wrong_code",
                           {"alarm.wrong-code user=alice source=192.0.2.7 connection=7"}},
                    NoCase{"UnknownUser", "mallory", kPassword, "right", "unknown_user name=#"},
                    NoCase{"NobodysName", "hunter2 secret", kPassword, "right", "unknown_user name=#"},
                    NoCase{"EmptyName", "", kPassword, "right", "unknown_user name=#"}),
    [](const auto& row) { return row.param.name; });

TEST_F(ConversationTest, ThreeAttemptsInAll)
{
    ScriptedPeer peer({"a", "b", "c", "a", "b", "c", "a", "b", "c", "alice", kPassword, current_code()});
    converse(peer);
    EXPECT_THAT(peer.codes(),
                ElementsAre(220, 330, 331, 332, 530, 330, 331, 332, 530, 330, 331, 332, 530, 421));
    EXPECT_FALSE(peer.was_logged_in());
}

TEST_F(ConversationTest, ARefusalIsToldAtAWholeStepOfTime)
{
    const auto begin = std::chrono::steady_clock::now();
    ScriptedPeer peer(
        {"alice", "wrong", "000000", "nobody", "wrong", "000000", "alice", kPassword, "000000"});
    converse(peer);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 3 * kRefusalStep);
}

TEST_F(ConversationTest, AThrottledAttemptIsToldAfterTheCodeAndCountsAsOneOfThree)
{
    for (int failure = 0; failure < 5; ++failure) {
        ScriptedPeer peer({"alice", "wrong", "000000"});
        EXPECT_THROW(converse(peer), PeerLeft);
    }
    ScriptedPeer peer(
        {"alice", kPassword, current_code(), "alice", kPassword, "000000", "mallory", "x", "000000"});
    converse(peer);
    EXPECT_THAT(peer.codes(),
                ElementsAre(220, 330, 331, 332, 450, 330, 331, 332, 450, 330, 331, 332, 530, 421));
    EXPECT_EQ(peer.said()[4].facts.at(0), (std::pair<std::string, std::string>("retry-after", "1")));
    EXPECT_THAT(log_.lines(), testing::Contains(HasSubstr("outcome=not_judged reason=throttled user=alice")));
}

TEST_F(ConversationTest, AFullHashQueueIsToldWithoutAHashOrACharge)
{
    std::vector<auth::HashPool::Place> places;
    while (auto place = pool_.reserve()) places.push_back(std::move(*place));
    auto peer = logged_in({});
    EXPECT_THROW(converse(peer), PeerLeft);
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 331, 332, 450, 330));
    EXPECT_THAT(log_.lines(), testing::Contains(HasSubstr("reason=overloaded")));
    EXPECT_TRUE(store_.audit().empty());
    places.clear();
    auto again = logged_in({"QUIT"});
    converse(again);
    EXPECT_TRUE(again.was_logged_in());
}

TEST_F(ConversationTest, AStoreOutOfOrderNeverSaysYes)
{
    for (const bool reads : {false, true}) {
        store_.fail_commits(!reads);
        store_.fail_reads(reads);
        auto peer = logged_in({});
        EXPECT_THROW(converse(peer), PeerLeft);
        EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 331, 332, 450, 330));
        EXPECT_FALSE(peer.was_logged_in());
    }
}

TEST_F(ConversationTest, ANewPasswordWhosePlaceGoesToAnotherIsToldSo)
{
    std::promise<void> done;
    const auto blocked = done.get_future().share();
    std::vector<auth::HashPool::Place> others;
    std::thread rival;
    const auto fill = [&] {
        while (pool_.taken() > 0)
            std::this_thread::yield();  // what was judged before gives its place back late
        while (others.size() < 3) {
            others.push_back(*pool_.reserve({.standing = auth::Standing::known_device, .source = "other"}));
            others.back().submit([blocked] { blocked.wait(); });
        }
        rival = std::thread([&] {
            while (pool_.taken() < 4) std::this_thread::yield();
            const auto place = pool_.reserve({.standing = auth::Standing::known_device, .source = "rival"});
            EXPECT_TRUE(place.has_value());
            done.set_value();
        });
    };
    auto peer = logged_in({"PASSWD", kPassword});
    peer.then([&] {
        clock_.advance(30s);
        return current_code();
    });
    peer.then([&] {
        fill();
        return std::string("tundra-velvet-orbit-mango");
    });
    peer.then("QUIT");
    converse(peer);
    rival.join();
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 331, 332, 230, 331, 332, 333, 450, 221));
    EXPECT_THAT(log_.lines(), testing::Contains(HasSubstr("password_not_changed error=overloaded")));
}

TEST_F(ConversationTest, AnsweringCommands)
{
    auto peer =
        logged_in({"help", "WhoAmI", "CODE", "WHOAMI x", "", "HELP ", "frobnicate\xC3\xA9", "LOGOUT"});
    converse(peer);
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 331, 332, 230, 214, 250, 502, 501, 502, 501, 502, 221));
    EXPECT_EQ(peer.said()[6].facts.size(), 3U);
    EXPECT_EQ(peer.said()[6].facts[0].second, "alice");
    for (const auto& [verb, help] : peer.said()[5].facts)
        EXPECT_THAT(verb, testing::AnyOf("HELP", "WHOAMI", "PASSWD", "CODES", "SESSIONS", "REVOKE", "TOKEN",
                                         "LOGOUT", "QUIT"));
    EXPECT_EQ(store_.open_reader()->summary({}, clock_.now()).sessions, 0U) << "LOGOUT ends the session";
}

TEST_F(ConversationTest, QuitLeavesTheSession)
{
    auto peer = logged_in({"quit"});
    converse(peer);
    EXPECT_EQ(store_.open_reader()->summary({}, clock_.now()).sessions, 1U);
}

TEST_F(ConversationTest, ASessionThatWasEndedElsewhereClosesAtTheNextCommand)
{
    auto peer = logged_in({});
    peer.then([&] {
        auth::transact(store_, [&](auth::Transaction& t) { t.end_sessions(auth::UserId{1}, ""); });
        return "whoami";
    });
    peer.then("whoami");
    converse(peer);
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 331, 332, 230, 421));
}

TEST_F(ConversationTest, ACommandThatTheStoreCannotDoIsToldAndTheSessionStays)
{
    auto peer = logged_in({});
    peer.then([&] {
        store_.fail_commits(true);
        return "logout";
    });
    peer.then([&] {
        store_.fail_commits(false);
        return "logout";
    });
    converse(peer);
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 331, 332, 230, 450, 221));
}

TEST_F(ConversationTest, SessionsAreListedThisOneFirst)
{
    auto other = logged_in({"token", "quit"});
    converse(other);
    clock_.advance(30s);
    auto peer = logged_in({"sessions", "quit"});
    converse(peer);
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 331, 332, 230, 250, 221));
    const auto id = [](const ScriptedPeer& who) { return who.said()[4].facts[1].second; };
    EXPECT_THAT(peer.said()[5].facts,
                ElementsAre(testing::Pair("session", id(peer) + " opened=2026-06-01T12:00:30Z"
                                                                " last-used=2026-06-01T12:00:30Z"
                                                                " expires=2026-06-02T00:00:30Z"
                                                                " source=192.0.2.7 current"),
                            testing::Pair("session", id(other) + " opened=2026-06-01T12:00:00Z"
                                                                 " last-used=2026-06-01T12:00:00Z"
                                                                 " expires=2026-06-02T00:00:00Z"
                                                                 " source=192.0.2.7 token")));
}

TEST_F(ConversationTest, OfManySessionsSomeAreListedAndTheRestCounted)
{
    auto peer = logged_in({});
    peer.then([&] {
        auth::transact(store_, [&](auth::Transaction& t) {
            for (int number = 0; number < 80; ++number) {
                EXPECT_TRUE(t.open_session({.user = auth::UserId{1},
                                            .id = std::to_string(10'000'000 + number),
                                            .opened_at = clock_.now(),
                                            .expires_at = clock_.now() + 1h,
                                            .last_used_at = clock_.now(),
                                            .source = "local"}));
            }
        });
        return "sessions";
    });
    peer.then("quit");
    converse(peer);
    const auto& facts = peer.said()[5].facts;
    ASSERT_EQ(facts.size(), 65U);
    EXPECT_THAT(facts.front().second, testing::EndsWith(" current"));
    EXPECT_EQ(facts.back(), (std::pair<std::string, std::string>("more", "17")));
}

TEST_F(ConversationTest, RevokingEndsOneOrAllOthersOrThisOne)
{
    const auto open = [&](const char* id) {
        auth::transact(store_, [&](auth::Transaction& t) {
            EXPECT_TRUE(t.open_session({.user = auth::UserId{1},
                                        .id = id,
                                        .opened_at = clock_.now(),
                                        .expires_at = clock_.now() + 1h,
                                        .last_used_at = clock_.now(),
                                        .source = "local"}));
        });
    };
    for (const auto* const id : {"aaaaaaaa", "bbbbbbbb", "cccccccc"}) open(id);
    auto peer = logged_in({"revoke", "revoke ", "revoke dddddddd", "revoke aaaaaaaa bbbbbbbb",
                           "revoke aaaaaaaa", "revoke aaaaaaaa", "REVOKE ALL", "revoke all"});
    peer.then([&] { return "revoke " + peer.said()[4].facts[1].second; });
    converse(peer);
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 331, 332, 230,  // logged in
                                          501, 501, 501, 501, 250, 501, 250, 250, 221));
    using Fact = std::pair<std::string, std::string>;
    EXPECT_THAT(peer.said()[9].facts, ElementsAre(Fact("revoked", "1")));
    EXPECT_THAT(peer.said()[11].facts, ElementsAre(Fact("revoked", "2")));
    EXPECT_THAT(peer.said()[12].facts, ElementsAre(Fact("revoked", "0")));
    EXPECT_EQ(store_.open_reader()->summary({}, clock_.now()).sessions, 0U);
    EXPECT_EQ(store_.audit().back().event, "logout") << "its own id is a LOGOUT";
    EXPECT_THAT(log_.lines(),
                testing::Contains("sessions_revoked user=alice sessions=2 source=192.0.2.7 connection=7"));
}

TEST_F(ConversationTest, ATokenIsToldOnceAndKeptAsAHash)
{
    auto peer = logged_in({"token", "token", "quit"});
    converse(peer);
    const auto& first = peer.said()[5].facts;
    const auto& second = peer.said()[6].facts;
    ASSERT_EQ(first.size(), 2U);
    EXPECT_EQ(first[1], (std::pair<std::string, std::string>("expires", "2026-06-02T00:00:00Z")));
    EXPECT_TRUE(auth::is_token(first[0].second));
    EXPECT_TRUE(auth::is_token(second[0].second));
    const auto tokens = store_.open_token_reader();
    EXPECT_FALSE(tokens->find_token(auth::TokenHasher()(first[0].second))) << "the second took its place";
    EXPECT_TRUE(tokens->find_token(auth::TokenHasher()(second[0].second)));
    for (const auto& line : log_.lines()) EXPECT_THAT(line, testing::Not(HasSubstr("slt_")));
    for (const auto& record : store_.audit()) EXPECT_THAT(record.reason, testing::Not(HasSubstr("slt_")));
}

TEST_F(ConversationTest, SessionCommandsOfAnEndedSessionClose)
{
    for (const auto* const command : {"sessions", "revoke all", "revoke aaaaaaaa", "token"}) {
        clock_.advance(30s);
        auto peer = logged_in({});
        peer.then([&] {
            auth::transact(store_, [&](auth::Transaction& t) { t.end_sessions(auth::UserId{1}, ""); });
            return command;
        });
        peer.then("whoami");
        converse(peer);
        EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 331, 332, 230, 421)) << command;
    }
}

TEST_F(ConversationTest, PasswdAsksForAllAndChangesThePassword)
{
    auto other = logged_in({"QUIT"});
    converse(other);
    clock_.advance(30s);
    auto peer = logged_in({"passwd", kPassword});
    peer.then([&] {
        clock_.advance(30s);
        return current_code();
    });
    peer.then("password").then("alice").then(kNewPassword).then("quit");
    converse(peer);
    EXPECT_THAT(peer.codes(),
                ElementsAre(220, 330, 331, 332, 230, 331, 332, 333, 553, 333, 553, 333, 250, 221));
    EXPECT_EQ(store_.open_reader()->summary({}, clock_.now()).sessions, 1U) << "the other session has ended";
    clock_.advance(30s);
    ScriptedPeer after({"alice", kPassword, current_code(), "alice", kNewPassword, current_code(), "quit"});
    converse(after);
    EXPECT_THAT(after.codes(), ElementsAre(220, 330, 331, 332, 530, 330, 331, 332, 230, 221));
}

TEST_F(ConversationTest, ADeviceIsNamedInTheLogAndRememberedAfterAYes)
{
    auth::DeviceFingerprint device{};
    device.fill(0xFF);
    ScriptedPeer peer({"alice", kPassword, "000000", "alice", kPassword, current_code(), "quit"});
    peer.show(device);
    converse(peer);
    ASSERT_TRUE(peer.was_logged_in());
    EXPECT_THAT(log_.lines(),
                ElementsAre("login outcome=refused reason=wrong_code user=alice source=192.0.2.7 connection=7"
                            " device=////////////",
                            "alarm.wrong-code user=alice source=192.0.2.7 connection=7",
                            "login outcome=granted user=alice source=192.0.2.7 connection=7 session=" +
                                peer.said()[8].facts[1].second + " device=////////////"));
    const auto known = store_.open_reader()->devices(auth::UserId{1});
    ASSERT_EQ(known.size(), 1U);
    EXPECT_EQ(known[0].fingerprint, device);
}

TEST_F(ConversationTest, PasswdForgetsAllDevicesButThisOne)
{
    for (const auto byte : std::initializer_list<std::uint8_t>{1, 2}) {
        auth::transact(store_, [&](auth::Transaction& t) {
            t.remember_device(auth::UserId{1}, auth::DeviceFingerprint{byte}, clock_.now(), "192.0.2.9");
        });
    }
    auto peer = logged_in({"passwd", kPassword});
    peer.then([&] {
        clock_.advance(30s);
        return current_code();
    });
    peer.then(kNewPassword).then("quit");
    peer.show(auth::DeviceFingerprint{1});
    converse(peer);
    const auto known = store_.open_reader()->devices(auth::UserId{1});
    ASSERT_EQ(known.size(), 1U);
    EXPECT_EQ(known[0].fingerprint, auth::DeviceFingerprint{1});
}

TEST_F(ConversationTest, PasswdIsRefusedAndTheSessionStays)
{
    auto peer = logged_in({"passwd", kPassword, current_code(), "passwd", "wrong"});
    peer.then([&] {
        clock_.advance(30s);
        return current_code();
    });
    peer.then("whoami").then("passwd").then(kPassword);
    peer.then([&] {
        clock_.advance(30s);
        return current_code();
    });
    peer.then("").then("passwd").then(kPassword);
    peer.then([&] {
        clock_.advance(30s);
        return current_code();
    });
    peer.then("short").then("short").then("short").then("quit");
    converse(peer);
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 331, 332, 230,  // logged in
                                          331, 332, 530,            // a code that was used
                                          331, 332, 530, 250,       // a wrong password; the session stays
                                          331, 332, 333, 501,       // an empty line cancels
                                          331, 332, 333, 553, 333, 553, 333, 553,  // three in all
                                          221));
    EXPECT_THAT(log_.lines(),
                testing::Contains(HasSubstr("confirm outcome=refused reason=replayed_code user=alice")));
}

TEST_F(ConversationTest, WhoIsAskedAgainAndLeavesIsRefusedAsWell)
{
    auto peer = logged_in({"passwd", "a guess"});
    EXPECT_THROW(converse(peer), PeerLeft);
    EXPECT_THAT(log_.lines(),
                testing::Contains(HasSubstr("confirm outcome=refused reason=abandoned user=alice")));
    EXPECT_EQ(store_.audit().back().event, "confirm");
    EXPECT_EQ(store_.audit().back().reason, "abandoned");
}

TEST_F(ConversationTest, AnAttemptThatAShutdownEndsIsNobodysFailure)
{
    ScriptedPeer peer({"alice", kPassword});
    peer.then([]() -> std::string { throw ShuttingDown(); });
    EXPECT_THROW(converse(peer), ShuttingDown);
    EXPECT_TRUE(log_.lines().empty());
    EXPECT_TRUE(store_.audit().empty());
}

TEST_F(ConversationTest, TheLogTellsOfTheAlarmThatAnAdmissionRaised)
{
    for (int number = 0; number < 100; ++number) {
        ScriptedPeer peer({"alice", "wrong", "000000"});
        peer.come_from("198.51.100." + std::to_string(number));
        EXPECT_THROW(converse(peer), PeerLeft);
    }
    ASSERT_GE(log_.lines().size(), 2U);
    EXPECT_THAT(log_.lines().back(), HasSubstr("alarm.ceiling-reached user=alice source=198.51.100.99"));
}

TEST_F(ConversationTest, AnOutdatedHashIsRenewedAtLogin)
{
    const auto name = *auth::UserName::parse("alice");
    const auth::HashParameters old{.memory_kib = 19456, .passes = 3, .lanes = 1};
    auth::transact(store_, [&](auth::Transaction& t) {
        t.set_password(*t.find_account(name), auth::hash_password(Secret::copy_of(kPassword), old),
                       clock_.now());
    });
    auto peer = logged_in({"quit"});
    converse(peer);
    ASSERT_TRUE(peer.was_logged_in());
    // The renewal is on its way behind the login: this job waits behind it, this transaction behind what it
    // wrote.
    std::promise<void> hashed;
    auto place = pool_.reserve();
    ASSERT_TRUE(place);
    place->submit([&] { hashed.set_value(); });
    hashed.get_future().wait();
    auth::transact(store_, [](auth::Transaction&) {});
    const auto stored = store_.open_reader()->find_password(name);
    EXPECT_EQ(auth::parse_phc(stored->phc.view()), auth::HashParameters{});
    EXPECT_TRUE(auth::verify_password(Secret::copy_of(kPassword), stored->phc.view()));
}

TEST_F(ConversationTest, APeerThatLeavesBeforeTheCodeCostsAHashAtMostAndItsChargeStays)
{
    for (int left = 0; left < 5; ++left) {
        ScriptedPeer peer({"alice", "guess"});
        EXPECT_THROW(converse(peer), PeerLeft);
        EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 331, 332));
    }
    const auto line = HasSubstr("login outcome=refused reason=abandoned user=alice source=192.0.2.7");
    EXPECT_THAT(log_.lines(), ElementsAre(line, line, line, line, line));
    EXPECT_EQ(store_.audit().size(), 5U);
    auto peer = logged_in({});
    EXPECT_THROW(converse(peer), PeerLeft);
    EXPECT_EQ(peer.codes()[4], 450);
}

}  // namespace
}  // namespace securelogin::login
