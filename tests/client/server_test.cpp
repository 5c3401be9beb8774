#include "client/server.hpp"

#include <gmock/gmock.h>

#include "fakes.hpp"

namespace securelogin::client {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::string facts(std::size_t count)
{
    std::string lines;
    for (std::size_t i = 0; i < count; ++i) lines += "250-key value\r\n";
    return lines;
}

TEST(Replies, AreReadOneByOne)
{
    ScriptedWire wire({"220 hello\r\n330 Username:\n"});
    Server server(wire, "fake");
    EXPECT_EQ(server.next_reply(1s).text, "hello");
    EXPECT_EQ(server.next_reply(1s).code, 330);
}

TEST(Replies, CarryTheirFacts)
{
    ScriptedWire wire({"230-user alice\r\n230-flag\r\n230-user bob\r\n230 Done\r\n"});
    const auto reply = Server(wire, "fake").next_reply(1s);
    EXPECT_EQ(reply.code, 230);
    EXPECT_EQ(reply.text, "Done");
    using Fact = std::pair<std::string, std::string>;
    EXPECT_THAT(reply.facts,
                testing::ElementsAre(Fact{"user", "alice"}, Fact{"flag", ""}, Fact{"user", "bob"}));
}

TEST(Replies, MayHaveAsManyFactsAsTheLimit)
{
    ScriptedWire wire({facts(kMostFacts) + "250 OK\r\n"});
    EXPECT_EQ(Server(wire, "fake").next_reply(1s).facts.size(), kMostFacts);
}

TEST(Replies, MayHaveALineOfTheLongestLength)
{
    const auto text = std::string(kLineLimit - 4, 'x');
    ScriptedWire wire({"220 " + text + "\r\n"});
    EXPECT_EQ(Server(wire, "fake").next_reply(1s).text, text);
}

TEST(Lines, GoWithALineFeed)
{
    ScriptedWire wire({});
    Server(wire, "fake").send("alice");
    EXPECT_THAT(wire.sent, testing::ElementsAre("alice\n"));
}

TEST(HasSpoken, OnlyWhenALineIsWhole)
{
    ScriptedWire wire({"42", "1 bye\r\n"});
    Server server(wire, "fake");
    EXPECT_FALSE(server.has_spoken());
    server.send("x");
    EXPECT_TRUE(server.has_spoken());
    EXPECT_TRUE(server.has_spoken());
    EXPECT_EQ(server.next_reply(1s).code, 421);
    EXPECT_FALSE(server.has_spoken());
}

TEST(HasSpoken, WhenTheServerHasClosed)
{
    ScriptedWire wire({kCloses});
    Server server(wire, "fake");
    EXPECT_TRUE(server.has_spoken());
    EXPECT_THROW((void)server.next_reply(1s), ConnectionLost);
}

struct Broken {
    const char* name;
    std::string said;
    const char* says;
};

class BrokenReply : public testing::TestWithParam<Broken> {};

TEST_P(BrokenReply, IsAProtocolError)
{
    ScriptedWire wire({GetParam().said});
    Server server(wire, "fake");
    const auto failure = failure_of([&] { (void)server.next_reply(1s); });
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(failure->first, ExitCode::protocol);
    EXPECT_THAT(failure->second, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Replies, BrokenReply,
    testing::Values(
        Broken{"Empty", "\r\n", "not a reply"}, Broken{"Words", "hello\r\n", "not a reply"},
        Broken{"SshBanner", "SSH-2.0-OpenSSH_9.2p1\r\n", "not a reply"},
        Broken{"HttpAnswer", "HTTP/1.1 400 Bad Request\r\n", "not a reply"},
        Broken{"TwoDigits", "22 hello\r\n", "not a reply"},
        Broken{"FourDigits", "2200 hello\r\n", "not a reply"},
        Broken{"LeadingZero", "020 hello\r\n", "not a reply"},
        Broken{"NoBlank", "220hello\r\n", "not a reply"}, Broken{"DigitsOnly", "220\r\n", "not a reply"},
        Broken{"LeadingBlank", " 220 hello\r\n", "not a reply"},
        Broken{"OtherDigits", "\xD9\xA2\xD9\xA2\xD9\xA0 hello\r\n", "not a reply"},
        Broken{"FactWithoutKey", "220- value\r\n220 x\r\n", "not a reply"},
        Broken{"DigitsChange", "230-user alice\r\n530 no\r\n", "changed the digits"},
        Broken{"DigitsChangeInTheLastFact", "230-a b\r\n230-c d\r\n250-e f\r\n", "changed the digits"},
        Broken{"TooManyFacts", facts(kMostFacts + 1) + "250 OK\r\n", "without end"},
        Broken{"EndlessFacts", facts(5000), "without end"},
        Broken{"LineTooLong", "220 " + std::string(kLineLimit - 3, 'x') + "\r\n", "1024 octets"},
        Broken{"EndlessLine", "220 " + std::string(100'000, 'x'), "1024 octets"},
        Broken{"Escape", "220 \x1b[2J\r\n", "control character"},
        Broken{"Bell", "220 \a\r\n", "control character"}, Broken{"Tab", "220 a\tb\r\n", "control character"},
        Broken{"Nul", std::string("220 a\0b\r\n", 9), "control character"},
        Broken{"CarriageReturnWithin", "220 a\rb\r\n", "control character"},
        Broken{"C1Escape",
               "220 \xC2\x9B"
               "31m\r\n",
               "control character"},
        Broken{"RawC1",
               "220 \x9B"
               "31m\r\n",
               "not UTF-8"},
        Broken{"Latin1", "220 \xFC\r\n", "not UTF-8"}, Broken{"Overlong", "220 \xC0\x8A\r\n", "not UTF-8"},
        Broken{"Surrogate", "220 \xED\xA0\x80\r\n", "not UTF-8"},
        Broken{"CutCharacter", "220 \xE2\x82\r\n", "not UTF-8"}),
    [](const auto& row) { return row.param.name; });

TEST(LostServer, ThatClosesWithinAReply)
{
    ScriptedWire wire({"230-user alice\r\n230 Log" + kCloses});
    Server server(wire, "fake");
    EXPECT_THROW((void)server.next_reply(1s), ConnectionLost);
}

TEST(LostServer, ThatSaidWhyBeforeItLeftIsHeard)
{
    ScriptedWire wire({"421 Busy\r\n" + kCloses});
    Server server(wire, "fake");
    server.send("alice");
    EXPECT_EQ(server.next_reply(1s).code, 421);
    EXPECT_THROW((void)server.next_reply(1s), ConnectionLost);
}

TEST(LostServer, ThatLeftWithoutAWord)
{
    ScriptedWire wire({kCloses});
    Server server(wire, "fake");
    server.send("alice");
    EXPECT_THROW((void)server.next_reply(1s), ConnectionLost);
}

TEST(LostServer, ThatIsSilentIsGivenUp)
{
    ScriptedWire wire({"230-user alice\r\n"});
    Server server(wire, "fake");
    const auto failure = failure_of([&] { (void)server.next_reply(1s); });
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(failure->first, ExitCode::unavailable);
    EXPECT_THAT(failure->second, HasSubstr("no answer in time"));
}

}  // namespace
}  // namespace securelogin::client
