// The door with a store in memory, asked over a real socket.
#include "server/verify/door.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_random.hpp"
#include "tests/support/memory_store.hpp"
#include "tests/support/recorded_log.hpp"
#include "tests/support/temporary_directory.hpp"

namespace securelogin::verify {
namespace {

using namespace std::chrono_literals;
using support::kNoon;
using testing::ElementsAre;

constexpr auto kPatience = 20000;  // ms

/// A connected program that asks.
class Asker {
  public:
    explicit Asker(const std::filesystem::path& path)
        : descriptor_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        EXPECT_EQ(::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    }
    ~Asker() { ::close(descriptor_); }
    Asker(const Asker&) = delete;
    Asker& operator=(const Asker&) = delete;

    void send(std::string_view octets)
    {
        while (!octets.empty()) {
            const auto sent = ::send(descriptor_, octets.data(), octets.size(), MSG_NOSIGNAL);
            if (sent < 0) return;  // the other side has closed
            octets.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    /// The next line without its end; `closed` at the end; `silence` when nothing comes.
    std::string line()
    {
        while (unread_.find('\n') == std::string::npos) {
            pollfd readable{.fd = descriptor_, .events = POLLIN, .revents = 0};
            if (::poll(&readable, 1, kPatience) != 1) return "silence";
            char octets[4096];
            const auto count = ::recv(descriptor_, octets, sizeof octets, 0);
            if (count <= 0) return unread_ + "closed";
            unread_.append(octets, static_cast<std::size_t>(count));
        }
        const auto end = unread_.find('\n');
        auto line = unread_.substr(0, end);
        unread_.erase(0, end + 1);
        return line;
    }
    std::string ask(std::string_view question)
    {
        send(std::string(question) + '\n');
        return line();
    }

  private:
    int descriptor_;
    std::string unread_;
};

/// With a memory of tokens and without.
class DoorTest : public testing::TestWithParam<std::size_t> {
  protected:
    DoorTest()
    {
        const auth::NewAccount account{.id = auth::UserId{1},
                                       .name = *auth::UserName::parse("alice"),
                                       .phc = Secret::copy_of("$argon2id$"),
                                       .totp_secret = Secret::copy_of("12345678901234567890"),
                                       .totp = {},
                                       .created_at = clock_.now()};
        auth::transact(store_, [&](auth::Transaction& t) {
            ASSERT_TRUE(t.add_account(account));
            ASSERT_TRUE(t.open_session(session_));
            t.set_session_token(session_, auth::TokenHasher()(token_));
        });
        open({});
    }

    void open(const Terms& terms, std::size_t threads = 2)
    {
        door_.reset();
        net::ListeningSocket socket(net::parse_plain_endpoint("unix:" + path_.string()));
        door_.emplace(std::move(socket), Door::Size{.threads = threads, .remembered = remembered_}, store_,
                      clock_, log_, terms);
    }

    const std::size_t remembered_ = GetParam();  // tokens
    support::FakeClock clock_;
    support::RecordedLog log_;
    support::MemoryStore store_;
    support::TemporaryDirectory directory_;
    const std::filesystem::path path_ = directory_ / "verify.sock";
    const std::string token_ = "slt_" + std::string(42, 'k') + "A";
    const auth::Session session_{.user = auth::UserId{1},
                                 .id = "0badcafe",
                                 .opened_at = kNoon,
                                 .expires_at = kNoon + 12h,
                                 .last_used_at = kNoon,
                                 .source = "192.0.2.7"};
    const std::string yes_ =
        R"({"valid":true,"user":"alice","session":"0badcafe","expires":"2026-06-02T00:00:00Z"})";
    const std::string no_ = R"({"valid":false})";
    const std::string malformed_ = R"({"valid":false,"error":"not a token"})";
    std::optional<Door> door_;
};

INSTANTIATE_TEST_SUITE_P(Remembering, DoorTest, testing::Values(0, 1000),
                         [](const auto& row) { return row.param == 0 ? "Nothing" : "Tokens"; });

TEST_P(DoorTest, AnswersWhoseTokenItIs)
{
    Asker asker(path_);
    EXPECT_EQ(asker.ask(token_), yes_);
    EXPECT_EQ(asker.ask("slt_" + std::string(43, 'A')), no_);
    EXPECT_EQ(asker.ask("alice"), malformed_);
    EXPECT_EQ(asker.ask(""), malformed_);
    EXPECT_EQ(asker.ask(token_ + "\r"), yes_);
    EXPECT_EQ(asker.ask(" " + token_), malformed_);
    EXPECT_EQ(door_->address(), "unix:" + path_.string());
}

TEST_P(DoorTest, ManyQuestionsAtOnceAreAnsweredInOrder)
{
    std::string questions;
    for (int i = 0; i < 1000; ++i) questions += (i % 3 == 0 ? token_ : "x") + "\n";
    Asker asker(path_);
    std::jthread sending([&] { asker.send(questions); });
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(asker.line(), i % 3 == 0 ? yes_ : malformed_) << i;
}

TEST_P(DoorTest, WhatIsRevokedIsRefusedAtOnce)
{
    Asker asker(path_);
    EXPECT_EQ(asker.ask(token_), yes_);
    auth::transact(store_, [&](auth::Transaction& t) { t.end_session(session_.user, session_.id); });
    EXPECT_EQ(asker.ask(token_), no_);
}

TEST_P(DoorTest, AnOverLongLineIsToldAndTheConnectionCloses)
{
    Asker asker(path_);
    asker.send(token_ + "\n" + std::string(300, 'x'));
    EXPECT_EQ(asker.line(), yes_);
    EXPECT_EQ(asker.line(), R"({"valid":false,"error":"the line is too long"})");
    EXPECT_EQ(asker.line(), "closed");
    EXPECT_EQ(Asker(path_).ask(token_), yes_) << "others are served";
}

TEST_P(DoorTest, AHalfLineIsNoQuestion)
{
    {
        Asker asker(path_);
        asker.send(token_.substr(0, 20));
    }
    Asker asker(path_);
    asker.send(token_.substr(0, 20));
    asker.send(token_.substr(20) + "\n");
    EXPECT_EQ(asker.line(), yes_);
}

TEST_P(DoorTest, AStoreOutOfOrderIsNoYesAndPasses)
{
    Asker asker(path_);
    store_.fail_reads(true);
    EXPECT_EQ(asker.ask(token_), R"({"valid":false,"error":"try later"})");
    EXPECT_EQ(asker.ask(token_), R"({"valid":false,"error":"try later"})");
    store_.fail_reads(false);
    EXPECT_EQ(asker.ask(token_), yes_);
    EXPECT_THAT(log_.lines(), ElementsAre("store error=memory store: a test made reads fail"))
        << "told, but not for each question";
}

TEST_P(DoorTest, UseIsWrittenDown)
{
    Asker asker(path_);
    clock_.advance(5min);
    EXPECT_EQ(asker.ask(token_), yes_);
    const auto used = [&] {
        std::optional<auth::Session> found;
        auth::transact(store_,
                       [&](auth::Transaction& t) { found = t.find_session(session_.user, session_.id); });
        return found->last_used_at;
    };
    const auto patience = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatience);
    while (used() == kNoon && std::chrono::steady_clock::now() < patience) std::this_thread::yield();
    EXPECT_EQ(used(), kNoon + 5min);
    clock_.advance(29min);
    EXPECT_EQ(asker.ask(token_), yes_) << "more than the idle limit after the login";
}

TEST_P(DoorTest, NewTermsAreForOpenConnectionsToo)
{
    Asker asker(path_);
    clock_.advance(5s);
    EXPECT_EQ(asker.ask(token_), yes_);
    door_->set_terms({.sessions = {.idle = 4s, .absolute = 12h}, .idle = 60s});
    EXPECT_EQ(asker.ask(token_), no_);
}

TEST_P(DoorTest, WhoDoesNotAskIsLeft)
{
    open({.sessions = {}, .idle = 1s});
    Asker silent(path_);
    Asker slow(path_);
    slow.send("slt_");
    EXPECT_EQ(silent.line(), "closed");
    EXPECT_EQ(slow.line(), "closed");
    EXPECT_EQ(Asker(path_).ask(token_), yes_);
}

TEST_P(DoorTest, WhoReadsNothingHoldsNobodyUp)
{
    open({.sessions = {}, .idle = 60s}, 1);
    Asker deaf(path_);
    std::jthread sending([&] {
        std::string questions;
        for (int i = 0; i < 100'000; ++i) questions += "x\n";
        deaf.send(questions);
    });
    Asker asker(path_);
    for (int i = 0; i < 100; ++i) ASSERT_EQ(asker.ask(token_), yes_);
    for (int i = 0; i < 100'000; ++i) ASSERT_EQ(deaf.line(), malformed_) << i;
}

TEST_P(DoorTest, CrowdsAreBounded)
{
    open({.sessions = {}, .idle = 60s}, 2);
    std::vector<std::unique_ptr<Asker>> crowd;
    for (std::size_t i = 0; i < kMostConnections; ++i) {
        crowd.push_back(std::make_unique<Asker>(path_));
        ASSERT_EQ(crowd.back()->ask(token_), yes_) << i;
    }
    Asker late(path_);
    EXPECT_EQ(late.line(), "closed");
    EXPECT_EQ(crowd.front()->ask(token_), yes_);
    crowd.clear();
    std::string answer;
    const auto patience = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatience);
    while (answer != yes_ && std::chrono::steady_clock::now() < patience) answer = Asker(path_).ask(token_);
    EXPECT_EQ(answer, yes_) << "there is room again";
}

TEST_P(DoorTest, TheSocketIsTheGroupsAndGoesWithTheDoor)
{
    struct stat status{};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0660U);
    Asker asker(path_);
    EXPECT_EQ(asker.ask(token_), yes_);
    door_.reset();
    EXPECT_EQ(asker.line(), "closed");
    EXPECT_NE(::stat(path_.c_str(), &status), 0);
}

}  // namespace
}  // namespace securelogin::verify
