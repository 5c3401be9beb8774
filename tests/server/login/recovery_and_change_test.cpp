// On the line protocol: recovery codes, and passwords that must be changed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "server/login/conversation.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_random.hpp"
#include "tests/support/memory_store.hpp"
#include "tests/support/one_time_code.hpp"
#include "tests/support/recorded_log.hpp"
#include "tests/support/scripted_peer.hpp"
#include "tests/support/temporary_directory.hpp"

namespace securelogin::login {
namespace {

using namespace std::chrono_literals;
using support::ScriptedPeer;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Fact = std::pair<std::string, std::string>;

constexpr auto kPassword = "correct horse battery staple";
constexpr auto kNewPassword = "a quite different long sentence";
constexpr auto kBreachedPassword = "violet tractors prefer mud";

class RecoveryConversation : public testing::Test {
  protected:
    RecoveryConversation()
    {
        const auth::NewAccount account{.id = auth::UserId{1},
                                       .name = *auth::UserName::parse("alice"),
                                       .phc = auth::hash_password(Secret::copy_of(kPassword), {}),
                                       .totp_secret = secret_.clone(),
                                       .totp = {},
                                       .created_at = clock_.now()};
        auth::transact(store_, [&](auth::Transaction& t) { ASSERT_TRUE(t.add_account(account)); });
    }

    ~RecoveryConversation() override { pool_.stop(); }

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

    [[nodiscard]] auth::Account alice() const
    {
        return *store_reader_->find_account(*auth::UserName::parse("alice"));
    }
    [[nodiscard]] std::string current_code() const { return support::code_at(secret_, clock_.now()); }
    /// An answer that is made when it is asked for: the code of the next time step.
    ScriptedPeer::Answer next_code()
    {
        return [this] {
            clock_.advance(30s);
            return current_code();
        };
    }
    void must_change()
    {
        auth::transact(store_, [&](auth::Transaction& t) { t.require_new_password(alice()); });
    }
    static std::vector<std::string> codes_in(const Reply& reply)
    {
        std::vector<std::string> codes;
        for (const auto& [key, value] : reply.facts) {
            EXPECT_EQ(key, "recovery-code");
            codes.push_back(value);
        }
        return codes;
    }
    /// Alice's, made by CODES.
    std::vector<std::string> make_codes()
    {
        ScriptedPeer peer({"alice", kPassword, current_code(), "codes", kPassword});
        peer.then(next_code()).then("quit");
        converse(peer);
        clock_.advance(30s);
        return codes_in(peer.said().at(7));
    }

    support::FakeClock clock_;
    support::FakeRandom random_;
    const Secret secret_ = Secret::copy_of("12345678901234567890");
    auth::MasterKey master_{Secret::copy_of("0123456789abcdef0123456789abcdef")};
    auth::HashPool pool_{{.threads = 1, .queue = 4}, {}};
    support::MemoryStore store_;
    std::unique_ptr<auth::Reader> store_reader_ = store_.open_reader();
    Readers readers_{store_};
    support::RecordedLog log_;
    support::TemporaryDirectory directory_;
    std::filesystem::path list_ = directory_ / "breached.txt";
    AsyncAuthenticator authenticator_{
        std::make_shared<const auth::Authenticator>(auth::Policy{}, master_, clock_, random_), pool_, store_,
        readers_, auth::PasswordRules({"auth.example.net", "SecureLogin"}, open_list())};

  private:
    /// kBreachedPassword's hash, and enough behind it that a look-up reads the file.
    std::shared_ptr<const auth::BreachedPasswords> open_list() const
    {
        constexpr std::string_view digits = "0123456789ABCDEF";
        std::ofstream out(list_);
        for (const auto octet : auth::sha1_of(kBreachedPassword))
            out << digits[octet >> 4U] << digits[octet & 0xFU];
        out << ":3\r\n" << std::string(40, 'F') << ":1\r\n";
        out.close();
        return std::make_shared<const auth::BreachedPasswords>(list_);
    }
};

TEST_F(RecoveryConversation, CodesAsksForAllAndTellsTen)
{
    ScriptedPeer peer({"alice", kPassword, current_code(), "CODES", kPassword});
    peer.then(next_code()).then("quit");
    converse(peer);
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 331, 332, 230, 331, 332, 250, 221));
    EXPECT_EQ(codes_in(peer.said()[7]).size(), 10U);
    EXPECT_EQ(peer.said()[7].text, "Recovery codes replaced");
    EXPECT_EQ(store_reader_->count_recovery_codes(alice().id), 10);
    EXPECT_THAT(log_.lines(), Contains("recovery_codes_replaced user=alice source=192.0.2.7 connection=7"));
}

TEST_F(RecoveryConversation, CodesIsRefusedAndTheOldOnesStay)
{
    const auto codes = make_codes();
    ScriptedPeer peer({"alice", kPassword, current_code(), "codes", "wrong"});
    peer.then(next_code())
        .then("codes")
        .then(kPassword)
        .then("000000")
        .then("whoami")
        .then("codes x")
        .then("quit");
    converse(peer);
    EXPECT_THAT(peer.codes(),
                ElementsAre(220, 330, 331, 332, 230, 331, 332, 530, 331, 332, 530, 250, 501, 221));
    ScriptedPeer after({"alice", kPassword, codes[9], "quit"});
    converse(after);
    EXPECT_TRUE(after.was_logged_in());
}

TEST_F(RecoveryConversation, LogsInWithOneOnce)
{
    const auto codes = make_codes();
    ScriptedPeer peer({"alice", kPassword, codes[0], "quit"});
    converse(peer);
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 331, 332, 230, 221));
    EXPECT_THAT(peer.said()[4].facts, Contains(Fact("recovery-codes", "9")));
    EXPECT_THAT(log_.lines(), Contains("alarm.recovery-code user=alice source=192.0.2.7 connection=7"));
    ScriptedPeer again({"alice", kPassword, codes[0]});
    EXPECT_THROW(converse(again), PeerLeft);
    EXPECT_EQ(to_wire(again.said()[4]), "530 Login failed\r\n");
    for (const auto& line : log_.lines()) EXPECT_THAT(line, Not(HasSubstr(codes[0].substr(0, 4))));
}

TEST_F(RecoveryConversation, AStoreOutOfOrderTellsNoCodes)
{
    ScriptedPeer peer({"alice", kPassword, current_code(), "codes", kPassword});
    peer.then([&] {
        clock_.advance(30s);
        store_.fail_commits(true);
        return current_code();
    });
    peer.then([&] {
        store_.fail_commits(false);
        return "quit";
    });
    converse(peer);
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 331, 332, 230, 331, 332, 450, 221));
    EXPECT_EQ(alice().recovery_codes_made, 0);
}

TEST_F(RecoveryConversation, WhoMustChangeThePasswordDoesNothingElseBefore)
{
    must_change();
    ScriptedPeer peer({"alice", kPassword, current_code(), "whoami", "codes", "sessions", "revoke all",
                       "token", "help", "frobnicate", "passwd", "password", kNewPassword, "whoami", "quit"});
    converse(peer);
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 331, 332, 230,  //
                                          530, 530, 530, 530, 530, 214, 502, 333, 553, 333,
                                          250,  // no confirmation: it has just been given
                                          250, 221));
    EXPECT_THAT(peer.said()[4].facts, Contains(Fact("must-change-password", "yes")));
    EXPECT_EQ(to_wire(peer.said()[5]), "530 Password must be changed first\r\n");
    EXPECT_FALSE(alice().must_change);
    clock_.advance(30s);
    ScriptedPeer after({"alice", kNewPassword, current_code(), "whoami", "quit"});
    converse(after);
    EXPECT_THAT(after.codes(), ElementsAre(220, 330, 331, 332, 230, 250, 221));
    EXPECT_THAT(after.said()[4].facts, Not(Contains(Fact("must-change-password", "yes"))));
}

TEST_F(RecoveryConversation, TheOldPasswordIsNoNewOne)
{
    must_change();
    ScriptedPeer peer({"alice", kPassword, current_code(), "passwd", kPassword, "", "whoami", "logout"});
    converse(peer);
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 331, 332, 230, 333, 553, 333, 501, 530, 221));
    EXPECT_THAT(peer.said()[6].text, HasSubstr("It is the one that you have"));
    EXPECT_TRUE(alice().must_change) << "cancelled: it still must be changed";
}

TEST_F(RecoveryConversation, AfterTheChangePasswdAsksAgain)
{
    must_change();
    ScriptedPeer peer({"alice", kPassword, current_code(), "passwd", kNewPassword, "passwd", "wrong"});
    peer.then(next_code()).then("quit");
    converse(peer);
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 331, 332, 230, 333, 250, 331, 332, 530, 221));
}

TEST_F(RecoveryConversation, ABreachedPasswordIsRefusedWithTheReason)
{
    must_change();
    ScriptedPeer peer(
        {"alice", kPassword, current_code(), "passwd", kBreachedPassword, kNewPassword, "quit"});
    converse(peer);
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 331, 332, 230, 333, 553, 333, 250, 221));
    EXPECT_THAT(peer.said()[6].text, HasSubstr("stolen elsewhere"));
}

TEST_F(RecoveryConversation, AListThatCannotBeReadRefusesTheChangeAndSaysSoInTheLog)
{
    must_change();
    ScriptedPeer peer({"alice", kPassword, current_code(), "passwd"});
    peer.then([&] {
        std::filesystem::resize_file(list_, 0);
        return kNewPassword;
    });
    peer.then("quit");
    converse(peer);
    EXPECT_THAT(peer.codes(), ElementsAre(220, 330, 331, 332, 230, 333, 450, 221));
    EXPECT_TRUE(alice().must_change);
    EXPECT_EQ(alice().password_epoch, 0);
    EXPECT_THAT(log_.lines(), Contains(testing::AllOf(HasSubstr("password_not_changed error="),
                                                      HasSubstr(list_.string()), HasSubstr("user=alice"))));
}

}  // namespace
}  // namespace securelogin::login
