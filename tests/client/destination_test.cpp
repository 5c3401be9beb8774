#include "client/destination.hpp"

#include <gmock/gmock.h>

#include "fakes.hpp"

namespace securelogin::client {
namespace {

struct Good {
    const char* name;
    const char* text;
    std::optional<std::string> user;
    const char* host;
    std::uint16_t port;
    bool is_address;
    const char* known_as;
    const char* shown;
};

class GoodDestination : public testing::TestWithParam<Good> {};

TEST_P(GoodDestination, IsUnderstood)
{
    const auto& row = GetParam();
    const auto destination = parse_destination(row.text);
    EXPECT_EQ(destination.user, row.user);
    EXPECT_EQ(destination.host, row.host);
    EXPECT_EQ(destination.port, row.port);
    EXPECT_EQ(destination.is_address, row.is_address);
    EXPECT_EQ(destination.host_and_port(), row.known_as);
    EXPECT_EQ(destination.shown(), row.shown);
}

INSTANTIATE_TEST_SUITE_P(
    Destination, GoodDestination,
    testing::Values(
        //   name                  text                     user                    host          port address
        //   known as              shown
        Good{"Host", "localhost", {}, "localhost", 9999, false, "localhost:9999", "localhost"},
        Good{"UserAndHost", "alice@a.example", "alice", "a.example", 9999, false, "a.example:9999",
             "alice@a.example"},
        Good{"Port", "a.example:17", {}, "a.example", 17, false, "a.example:17", "a.example:17"},
        Good{"HighestPort", "a:65535", {}, "a", 65535, false, "a:65535", "a:65535"},
        Good{"UpperCaseHost", "A.Example", {}, "a.example", 9999, false, "a.example:9999", "a.example"},
        Good{"UserKeepsItsCase", "Alice@A", "Alice", "a", 9999, false, "a:9999", "Alice@a"},
        Good{"UserEndsAtTheLastAt", "a@b@c", "a@b", "c", 9999, false, "c:9999", "a@b@c"},
        Good{"UserMayHoldAColon", "a:b@c:1", "a:b", "c", 1, false, "c:1", "a:b@c:1"},
        Good{"Ipv4", "127.0.0.1", {}, "127.0.0.1", 9999, true, "127.0.0.1:9999", "127.0.0.1"},
        Good{"Ipv6", "[::1]", {}, "::1", 9999, true, "[::1]:9999", "::1"},
        Good{"Ipv6Port", "u@[::1]:22", "u", "::1", 22, true, "[::1]:22", "u@[::1]:22"},
        Good{"Ipv6Shortened", "[0:0:0:0:0:0:0:1]", {}, "::1", 9999, true, "[::1]:9999", "::1"},
        Good{"Ipv6LowerCase",
             "[2001:DB8::A]",
             {},
             "2001:db8::a",
             9999,
             true,
             "[2001:db8::a]:9999",
             "2001:db8::a"},
        Good{"Ipv6Zone",
             "[fe80::1%eth0]",
             {},
             "fe80::1%eth0",
             9999,
             true,
             "[fe80::1%eth0]:9999",
             "fe80::1%eth0"},
        Good{
            "NotQuiteIpv4IsAName", "256.0.0.1", {}, "256.0.0.1", 9999, false, "256.0.0.1:9999", "256.0.0.1"}),
    [](const auto& row) { return row.param.name; });

struct Bad {
    const char* name;
    const char* text;
    const char* says;
};

class BadDestination : public testing::TestWithParam<Bad> {};

TEST_P(BadDestination, IsAUsageErrorThatSaysWhy)
{
    const auto failure = failure_of([] { (void)parse_destination(GetParam().text); });
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(failure->first, ExitCode::usage);
    EXPECT_THAT(failure->second, testing::HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Destination, BadDestination,
    testing::Values(
        Bad{"Empty", "", "no host"}, Bad{"OnlyUser", "alice@", "no host"},
        Bad{"NoUser", "@host", "no user name"}, Bad{"OnlyPort", ":9999", "no host"},
        Bad{"PortZero", "a:0", "a port is"}, Bad{"PortTooHigh", "a:65536", "a port is"},
        Bad{"PortEmpty", "a:", "a port is"}, Bad{"PortSigned", "a:+1", "a port is"},
        Bad{"PortNegative", "a:-1", "a port is"}, Bad{"PortWithTail", "a:1x", "a port is"},
        Bad{"PortBlank", "a: 1", "a port is"}, Bad{"Ipv6WithoutBrackets", "::1", "in brackets"},
        Bad{"Ipv6PortWithoutBrackets", "::1:9999", "in brackets"}, Bad{"BracketOpen", "[::1", "not closed"},
        Bad{"BracketsEmpty", "[]", "not an IPv6"}, Bad{"NameInBrackets", "[localhost]", "not an IPv6"},
        Bad{"Ipv4InBrackets", "[127.0.0.1]", "not an IPv6"}, Bad{"ZoneEmpty", "[fe80::1%]", "not an IPv6"},
        Bad{"ZoneWithBlank", "[fe80::1%a b]", "not an IPv6"},
        Bad{"TextBehindBracket", "[::1]9999", "only :PORT"}, Bad{"Blank", "a b", "not a host"},
        Bad{"Slash", "a/b", "not a host"}, Bad{"LooksLikeAnOption", "u@-x", "not a host"},
        Bad{"International",
            "b\xC3\xBC"
            "cher.example",
            "xn--"},
        Bad{"ControlInHost", "a\x1b[31m", "\\x1b"}, Bad{"ControlInUser", "a\x1b@b", "cannot be sent"},
        Bad{"UserNotUtf8", "a\xff@b", "cannot be sent"}),
    [](const auto& row) { return row.param.name; });

TEST(BadDestination, LongerThanANameCanBe)
{
    const auto failure = failure_of([] { (void)parse_destination(std::string(254, 'a')); });
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(failure->first, ExitCode::usage);
}

}  // namespace
}  // namespace securelogin::client
