#include "server/web/guard.hpp"

#include <gmock/gmock.h>

#include <map>

#include "server/web/way_back.hpp"

namespace securelogin::web {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using Verdict = GuardAnswer::Verdict;

constexpr auto kNameOf = [](const auto& row) { return std::string(row.param.name); };

// ---- origins ----

struct OriginCase {
    const char* name;
    std::string text;
    std::string spelled;  // empty: it is none
};

class Origins : public testing::TestWithParam<OriginCase> {};

TEST_P(Origins, HaveOneSpelling)
{
    const auto origin = Origin::parse(GetParam().text);
    EXPECT_EQ(origin ? origin->text() : "", GetParam().spelled);
}

INSTANTIATE_TEST_SUITE_P(
    Accepted, Origins,
    testing::Values(OriginCase{"Plain", "https://app.example.com", "https://app.example.com"},
                    OriginCase{"UpperCase", "HTTPS://App.Example.COM", "https://app.example.com"},
                    OriginCase{"OwnPort", "https://a.example:443", "https://a.example"},
                    OriginCase{"OtherPort", "https://a.example:8443", "https://a.example:8443"},
                    OriginCase{"HttpPortOfHttps", "https://a.example:80", "https://a.example:80"},
                    OriginCase{"Ipv4", "https://192.0.2.7", "https://192.0.2.7"},
                    OriginCase{"Ipv6", "https://[2001:DB8:0::1]:1", "https://[2001:db8::1]:1"},
                    OriginCase{"Localhost", "http://localhost:80", "http://localhost"},
                    OriginCase{"BelowLocalhost", "http://app.localhost:8080", "http://app.localhost:8080"},
                    OriginCase{"Loopback", "http://127.0.0.2", "http://127.0.0.2"},
                    OriginCase{"Loopback6", "http://[::1]:8080", "http://[::1]:8080"},
                    OriginCase{"OneLabel", "https://intranet", "https://intranet"},
                    OriginCase{"Punycode", "https://xn--bcher-kva.example", "https://xn--bcher-kva.example"}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    Refused, Origins,
    testing::Values(
        OriginCase{"Empty", "", ""}, OriginCase{"NoScheme", "app.example.com", ""},
        OriginCase{"OtherScheme", "ftp://a.example", ""},
        OriginCase{"Javascript", "javascript://a.example", ""},
        OriginCase{"HttpOnNetwork", "http://a.example", ""},
        OriginCase{"HttpNearlyLocalhost", "http://localhost.example", ""},
        OriginCase{"HttpNearlyLoopback", "http://127.example", ""}, OriginCase{"NoHost", "https://", ""},
        OriginCase{"OnlyPort", "https://:443", ""}, OriginCase{"Slash", "https://a.example/", ""},
        OriginCase{"Path", "https://a.example/x", ""}, OriginCase{"User", "https://u@a.example", ""},
        OriginCase{"Password", "https://u:1@a.example", ""},
        OriginCase{"DotAtTheEnd", "https://a.example.", ""}, OriginCase{"TwoDots", "https://a..example", ""},
        OriginCase{"Blank", "https://a .example", ""}, OriginCase{"Tab", "https://a\t.example", ""},
        OriginCase{"Nul", std::string("https://a\0.example", 18), ""},
        OriginCase{"Backslash", "https://a.example\\", ""}, OriginCase{"Escape", "https://a%2eexample", ""},
        OriginCase{"NotAscii", "https://b\xc3\xbc.example", ""},
        OriginCase{"PortZero", "https://a.example:0", ""},
        OriginCase{"PortTooLarge", "https://a.example:65536", ""},
        OriginCase{"PortEmpty", "https://a.example:", ""},
        OriginCase{"PortOctal", "https://a.example:0443", ""},
        OriginCase{"PortSigned", "https://a.example:+443", ""}, OriginCase{"ShortIpv4", "https://127.1", ""},
        OriginCase{"HexIpv4", "https://0x7f.0.0.0x1", ""},
        OriginCase{"NumberForIpv4", "https://2130706433", ""},
        OriginCase{"OctalIpv4", "https://0177.0.0.1", ""}, OriginCase{"OpenBracket", "https://[::1", ""},
        OriginCase{"NoAddressInBrackets", "https://[a]", ""},
        OriginCase{"Ipv6Zone", "https://[fe80::1%25eth0]", ""}, OriginCase{"Ipv6Bare", "https://::1", ""},
        OriginCase{"HyphenFirst", "https://-a.example", ""},
        OriginCase{"LongLabel", "https://" + std::string(64, 'a') + ".example", ""},
        OriginCase{"LongHost", "https://" + std::string(254, 'a'), ""}),
    kNameOf);

// ---- the way back ----

const Origin kOwn = *Origin::parse("https://app.example.com");
const std::vector<Origin> kAllowed{*Origin::parse("https://other.example.com:8443"),
                                   *Origin::parse("http://localhost:3000")};

struct WayBackCase {
    const char* name;
    std::string text;
};

class SafeWayBack : public testing::TestWithParam<WayBackCase> {};

TEST_P(SafeWayBack, IsTakenAsItIs)
{
    EXPECT_EQ(safe_way_back(GetParam().text, kAllowed, kOwn), GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(Accepted, SafeWayBack,
                         testing::Values(WayBackCase{"Root", "/"},
                                         WayBackCase{"Page", "/reports/2026?x=1&y=a%20b#top"},
                                         WayBackCase{"SlashesWithin", "/web/https://example.org/"},
                                         WayBackCase{"DotsInQuery", "/a?file=../b"},
                                         WayBackCase{"DotsInName", "/.well-known/a..b"},
                                         WayBackCase{"UrlInQuery", "/a?next=//evil.example"},
                                         WayBackCase{"OwnOrigin", "https://app.example.com/x"},
                                         WayBackCase{"OwnOriginAlone", "https://app.example.com"},
                                         WayBackCase{"Listed", "https://other.example.com:8443/x?y"},
                                         WayBackCase{"ListedInClearOnLoopback", "http://localhost:3000/"},
                                         WayBackCase{"Longest", "/" + std::string(kLongestWayBack - 1, 'a')}),
                         kNameOf);

class UnsafeWayBack : public testing::TestWithParam<WayBackCase> {};

TEST_P(UnsafeWayBack, IsNone) { EXPECT_EQ(safe_way_back(GetParam().text, kAllowed, kOwn), std::nullopt); }

INSTANTIATE_TEST_SUITE_P(
    Refused, UnsafeWayBack,
    testing::Values(
        WayBackCase{"Empty", ""}, WayBackCase{"Relative", "reports"}, WayBackCase{"Query", "?x"},
        WayBackCase{"NoScheme", "//evil.example"}, WayBackCase{"ThreeSlashes", "///evil.example"},
        WayBackCase{"Backslash", "/\\evil.example"}, WayBackCase{"TwoBackslashes", "\\\\evil.example"},
        WayBackCase{"BackslashAfterOrigin", "https://app.example.com\\@evil.example"},
        WayBackCase{"TabBetweenSlashes", "/\t/evil.example"}, WayBackCase{"LineEnd", "/a\r\nSet-Cookie: x"},
        WayBackCase{"NewlineFirst", "\n//evil.example"}, WayBackCase{"BlankFirst", " //evil.example"},
        WayBackCase{"Nul", std::string("/a\0b", 4)}, WayBackCase{"Del", "/a\x7f"},
        WayBackCase{"NotAscii", "/\xc3\xa9"},
        WayBackCase{"FullwidthSlash",
                    "/\xef\xbc\x8f"
                    "evil.example"},
        WayBackCase{"DotThenSlash", "/.//evil.example"}, WayBackCase{"DotsThenSlash", "/a/..//evil.example"},
        WayBackCase{"EncodedDots", "/%2E%2e//evil.example"}, WayBackCase{"DotsAtTheEnd", "/a/.."},
        WayBackCase{"Javascript", "javascript:alert(1)"},
        WayBackCase{"JavascriptSlashes", "javascript://app.example.com/%0aalert(1)"},
        WayBackCase{"Data", "data:text/html,x"}, WayBackCase{"OtherOrigin", "https://evil.example/"},
        WayBackCase{"OtherPort", "https://app.example.com:8443/"},
        WayBackCase{"ListedWithoutItsPort", "https://other.example.com/"},
        WayBackCase{"ListedInClear", "http://other.example.com:8443/"},
        WayBackCase{"OwnInClear", "http://app.example.com/"},
        WayBackCase{"BeginsAlike", "https://app.example.com.evil.example/"},
        WayBackCase{"BeginsAlikeWithoutDot", "https://app.example.comevil/"},
        WayBackCase{"UserInfo", "https://app.example.com@evil.example/"},
        WayBackCase{"UserInfoOfOurs", "https://u@app.example.com/"},
        WayBackCase{"UserInfoWithPort", "https://app.example.com:443@evil.example/"},
        WayBackCase{"UpperCaseHost", "https://APP.example.com/"},
        WayBackCase{"UpperCaseScheme", "HTTPS://app.example.com/"},
        WayBackCase{"OwnPortSpelled", "https://app.example.com:443/"},
        WayBackCase{"DotAtTheEndOfHost", "https://app.example.com./"},
        WayBackCase{"OneSlash", "https:/app.example.com/"}, WayBackCase{"NoSlashes", "https:app.example.com"},
        WayBackCase{"ThreeSlashesOfUrl", "https:///app.example.com/"},
        WayBackCase{"QueryForPath", "https://app.example.com?x"},
        WayBackCase{"FragmentForPath", "https://app.example.com#@evil.example"},
        WayBackCase{"EncodedHost", "https://app%2eexample.com/"},
        WayBackCase{"TooLong", "/" + std::string(kLongestWayBack, 'a')}),
    kNameOf);

TEST(SafeWayBackTest, NothingListedLeavesTheOwnOrigin)
{
    EXPECT_EQ(safe_way_back("https://other.example.com:8443/", {}, kOwn), std::nullopt);
    EXPECT_EQ(safe_way_back("https://app.example.com/", {}, kOwn), "https://app.example.com/");
}

TEST(LoginUrl, CarriesTheWayBackEncoded)
{
    EXPECT_EQ(login_url(kOwn, "/a b"), "https://app.example.com/login")
        << "no way back is no reason to say so";
    EXPECT_EQ(login_url(kOwn, "//evil.example"), "https://app.example.com/login");
    EXPECT_EQ(login_url(kOwn, "/r?x=1&y=%20~+"),
              "https://app.example.com/login?back=%2Fr%3Fx%3D1%26y%3D%2520~%2B");
}

// ---- proxies ----

struct NetworkCase {
    const char* name;
    std::string text;
    std::vector<std::string> inside, outside;
};

class Networks : public testing::TestWithParam<NetworkCase> {};

TEST_P(Networks, HoldWhatSharesTheirPrefix)
{
    const auto network = Network::parse(GetParam().text);
    ASSERT_TRUE(network);
    for (const auto& address : GetParam().inside) EXPECT_TRUE(network->contains(address)) << address;
    for (const auto& address : GetParam().outside) EXPECT_FALSE(network->contains(address)) << address;
}

INSTANTIATE_TEST_SUITE_P(
    Proxies, Networks,
    testing::Values(
        NetworkCase{
            "OneAddress", "192.0.2.7", {"192.0.2.7", "::ffff:192.0.2.7"}, {"192.0.2.6", "::1", "local", ""}},
        NetworkCase{"Eight", "10.0.0.0/8", {"10.0.0.0", "10.255.255.255"}, {"9.255.255.255", "11.0.0.0"}},
        NetworkCase{"Nine", "10.128.0.0/9", {"10.128.0.0", "10.255.0.1"}, {"10.127.255.255"}},
        NetworkCase{"ThirtyTwo", "192.0.2.7/32", {"192.0.2.7"}, {"192.0.2.6"}},
        NetworkCase{"One", "128.0.0.0/1", {"255.0.0.1"}, {"127.0.0.1", "ff00::1"}},
        NetworkCase{"Ipv6", "2001:db8::/33", {"2001:db8:7fff::1"}, {"2001:db8:8000::1", "192.0.2.7"}},
        NetworkCase{"Ipv6Address", "::1", {"::1"}, {"::2", "127.0.0.1"}}),
    kNameOf);

TEST(NetworkParse, RefusesWhatIsNone)
{
    for (const std::string text :
         {"", "localhost", "10.0.0.1/8", "0.0.0.0/0", "::/0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/08",
          "10.0.0.0/-1", "10.0.0.0/8/8", "10/8", "10.0.0.0 /8", "2001:db8::/129", "2001:db8::1/32",
          "fe80::1%eth0", "[::1]", "127.0.0.1:80", "/8"}) {
        EXPECT_FALSE(Network::parse(text)) << text;
    }
    EXPECT_FALSE(Network::parse(std::string_view("10.0.0.1\0", 9)));
}

struct SourceCase {
    const char* name;
    std::string peer;
    std::vector<std::string_view> forwarded_for;
    std::string source;  // empty: it cannot be told
};

class SourceOf : public testing::TestWithParam<SourceCase> {};

TEST_P(SourceOf, IsTheRightmostThatIsNoProxy)
{
    const std::vector<std::string> entries{"127.0.0.1", "10.0.0.0/8", "2001:db8::/32", "unix"};
    const web::Proxies proxies(entries);
    const auto source =
        proxies.source_of(auth::Source::from_address(GetParam().peer), GetParam().forwarded_for);
    EXPECT_EQ(source ? source->address() : "", GetParam().source);
}

INSTANTIATE_TEST_SUITE_P(
    Proxies, SourceOf,
    testing::Values(
        SourceCase{"NoProxy", "192.0.2.9", {}, "192.0.2.9"},
        SourceCase{"NoProxysWish", "192.0.2.9", {"198.51.100.1"}, "192.0.2.9"},
        SourceCase{"NoProxysTwoWishes", "192.0.2.9", {"a", "b"}, "192.0.2.9"},
        SourceCase{"One", "127.0.0.1", {"198.51.100.1"}, "198.51.100.1"},
        SourceCase{"OverUnix", "unix", {"198.51.100.1"}, "198.51.100.1"},
        SourceCase{"Spoofed", "127.0.0.1", {"203.0.113.5, 198.51.100.1"}, "198.51.100.1"},
        SourceCase{"SpoofedWithAProxysAddress", "127.0.0.1", {"10.1.1.1, 198.51.100.1"}, "198.51.100.1"},
        SourceCase{"RubbishBefore", "127.0.0.1", {"what is this, 198.51.100.1"}, "198.51.100.1"},
        SourceCase{"TwoProxies", "127.0.0.1", {"198.51.100.1,10.0.0.2 ,\t10.0.0.1"}, "198.51.100.1"},
        SourceCase{"AllProxies", "127.0.0.1", {"10.0.0.2, 10.0.0.1"}, "10.0.0.2"},
        SourceCase{"Ipv6", "127.0.0.1", {"2001:DB9::1"}, "2001:db9::1"},
        SourceCase{"Mapped", "127.0.0.1", {"203.0.113.5, ::ffff:198.51.100.1"}, "198.51.100.1"},
        SourceCase{"MappedProxy", "::ffff:127.0.0.1", {"198.51.100.1"}, "198.51.100.1"},
        SourceCase{"Absent", "127.0.0.1", {}, ""}, SourceCase{"Empty", "127.0.0.1", {""}, ""},
        SourceCase{"Twice", "127.0.0.1", {"198.51.100.1", "198.51.100.1"}, ""},
        SourceCase{"Name", "127.0.0.1", {"client.example"}, ""},
        SourceCase{"WithPort", "127.0.0.1", {"198.51.100.1:80"}, ""},
        SourceCase{"Bracketed", "127.0.0.1", {"[2001:db9::1]"}, ""},
        SourceCase{"Zone", "127.0.0.1", {"fe80::1%eth0"}, ""},
        SourceCase{"Local", "127.0.0.1", {"local"}, ""},
        SourceCase{"EmptyAtTheEnd", "127.0.0.1", {"198.51.100.1,"}, ""},
        SourceCase{"RubbishBehindProxies", "127.0.0.1", {"198.51.100.1, unknown, 10.0.0.1"}, ""},
        SourceCase{"Nul", "127.0.0.1", {std::string_view("198.51.100.1\0", 13)}, ""}),
    kNameOf);

TEST(ProxiesTest, NobodyIsTrustedUnlessNamed)
{
    const web::Proxies none;
    const std::vector<std::string> addresses{"127.0.0.1"};
    const web::Proxies loopback(addresses);
    const auto unix_peer = auth::Source::from_address("unix");
    EXPECT_FALSE(none.trusts(auth::Source::from_address("127.0.0.1")));
    EXPECT_FALSE(none.trusts(unix_peer));
    EXPECT_FALSE(loopback.trusts(unix_peer));
    EXPECT_TRUE(loopback.trusts(auth::Source::from_address("127.0.0.1")));
    EXPECT_FALSE(loopback.trusts(auth::Source::from_address("127.0.0.2")));
}

// ---- paths ----

struct PathCase {
    const char* name;
    std::string target;
    std::vector<std::string> readings;  // none: it is no path
};

class Paths : public testing::TestWithParam<PathCase> {};

TEST_P(Paths, AreReadInEveryWayAServerMay)
{
    const auto path = read_path(GetParam().target);
    EXPECT_THAT(path ? path->readings : std::vector<std::string>{},
                testing::UnorderedElementsAreArray(GetParam().readings));
    ASSERT_EQ(path.has_value(), !GetParam().readings.empty());
    if (!path) return;
    EXPECT_EQ(path->readings.front(), GetParam().readings.front());
}

INSTANTIATE_TEST_SUITE_P(
    Accepted, Paths,
    testing::Values(PathCase{"Root", "/", {"/"}}, PathCase{"Query", "/a?b=../c//%zz", {"/a"}},
                    PathCase{"Escaped", "/%61%20b%25", {"/a b%"}}, PathCase{"Utf8", "/%C3%A9", {"/\xc3\xa9"}},
                    PathCase{"HiddenFile", "/.well-known", {"/.well-known"}},
                    PathCase{"Dots", "/a/../b", {"/b", "/a/../b"}},
                    PathCase{"EncodedDots", "/a/%2e%2E/b", {"/b", "/a/../b"}},
                    PathCase{"DotAtTheEnd", "/a/.", {"/a/", "/a/."}},
                    PathCase{"DotsAtTheEnd", "/a/..", {"/", "/a/.."}},
                    PathCase{"Slashes", "/a//b", {"/a//b", "/a/b"}},
                    PathCase{"SlashesFirst", "//a", {"//a", "/a"}},
                    PathCase{"SlashesAndDots", "/a//../b", {"/a/b", "/a//../b", "/a/../b", "/b"}},
                    PathCase{"Parameters", "/a;x=1/b", {"/a;x=1/b", "/a/b"}},
                    PathCase{"ParametersEncoded", "/a%3bx/b", {"/a;x/b", "/a/b"}},
                    PathCase{"DotsWithParameters", "/a/..;x/b", {"/a/..;x/b", "/a/../b", "/b"}}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    Refused, Paths,
    testing::Values(PathCase{"Empty", "", {}}, PathCase{"Relative", "a", {}}, PathCase{"Asterisk", "*", {}},
                    PathCase{"Absolute", "https://app.example.com/", {}},
                    PathCase{"EncodedSlash", "/a%2fb", {}}, PathCase{"EncodedBackslash", "/a%5Cb", {}},
                    PathCase{"Backslash", "/a\\b", {}}, PathCase{"EncodedNul", "/a%00b", {}},
                    PathCase{"EncodedLineEnd", "/a%0ab", {}}, PathCase{"EncodedDel", "/%7f", {}},
                    PathCase{"Blank", "/a b", {}}, PathCase{"Tab", "/a\tb", {}},
                    PathCase{"BlankInQuery", "/a?b c", {}}, PathCase{"Fragment", "/a#b", {}},
                    PathCase{"ShortEscape", "/a%2", {}}, PathCase{"OpenEscape", "/a%", {}},
                    PathCase{"NoEscape", "/%zz", {}}, PathCase{"EscapedEscape", "/%252e%252e/", {}},
                    PathCase{"IisEscape", "/%u002f", {}}, PathCase{"EscapedIisEscape", "/%25u002f", {}},
                    PathCase{"OverlongSlash", "/a%c0%afb", {}}, PathCase{"NotUtf8", "/%ff", {}},
                    PathCase{"NotAscii", "/\xc3\xa9", {}}, PathCase{"AboveTheRoot", "/../a", {}},
                    PathCase{"AboveTheRootLater", "/a/../../b", {}},
                    PathCase{"AboveTheRootByParameters", "/..;/a", {}},
                    PathCase{"AboveTheRootBySlashes", "/a//../../b", {}},
                    PathCase{"TooLong", "/" + std::string(kLongestTarget, 'a'), {}}),
    kNameOf);

// ---- rules ----

std::vector<auth::UserName> names(std::initializer_list<std::string_view> texts)
{
    std::vector<auth::UserName> all;
    for (const auto text : texts) all.push_back(*auth::UserName::parse(text));
    return all;
}

std::vector<Rule> example_rules()
{
    return {
        {.host = "app.example.com", .path = "/public", .users = {}, .require = Require::nothing},
        {.host = "app.example.com", .path = "/internal/", .users = {}, .require = Require::refuse},
        {.host = "app.example.com", .path = "/books", .users = names({"alice", "carol"})},
        {.host = "app.example.com"},
        {.host = "*.lab.example.com", .path = "/", .users = names({"bob"})},
    };
}

TEST(Patterns, AreCanonical)
{
    for (const auto* const host : {"app.example.com", "*.example.com", "localhost", "192.0.2.7", "[::1]"}) {
        EXPECT_TRUE(is_host_pattern(host)) << host;
    }
    for (const auto* const host :
         {"", "*", "*.", "**.example.com", "a.*.com", "*example.com", "App.example.com", "app.example.com.",
          "app.example.com:443", "https://app.example.com", "*.[::1]", "127.1", "a b"}) {
        EXPECT_FALSE(is_host_pattern(host)) << host;
    }
    for (const auto* const path : {"/", "/a", "/a/", "/a/b.c", "/.well-known"}) {
        EXPECT_TRUE(is_path_prefix(path)) << path;
    }
    for (const auto* const path : {"", "a", "//", "/a//b", "/a/../b", "/./a", "/a?b", "/a#b", "/a%20b",
                                   "/a;b", "/a\\b", "/\xc3\xa9"}) {
        EXPECT_FALSE(is_path_prefix(path)) << path;
    }
}

// ---- the question, and its answer ----

using Headers = std::vector<std::pair<std::string_view, std::string_view>>;

ForwardedHeaders forwarded(const Headers& headers)
{
    ForwardedHeaders all;
    const std::map<std::string_view, ForwardedHeaders::Values*> places{
        {"Host", &all.host},
        {"Accept", &all.accept},
        {"X-Original-URL", &all.original_url},
        {"X-Original-Method", &all.original_method},
        {"X-Forwarded-Method", &all.forwarded_method},
        {"X-Forwarded-Proto", &all.forwarded_proto},
        {"X-Forwarded-Host", &all.forwarded_host},
        {"X-Forwarded-Uri", &all.forwarded_uri},
        {"X-Forwarded-For", &all.forwarded_for}};
    for (const auto& [name, value] : headers) places.at(name)->push_back(value);
    return all;
}

auth::TokenHolder holder(std::string_view name)
{
    using namespace std::chrono_literals;
    const auto noon = std::chrono::sys_days{std::chrono::year{2026} / 11 / 22} + 12h;
    return {.user = {},
            .name = *auth::UserName::parse(name),
            .session = "6f1c0a52",
            .expires_at = noon,
            .last_used_at = noon};
}

Headers nginx(std::string_view url, std::string_view host = "app.example.com")
{
    return {{"Host", host},
            {"X-Original-URL", url},
            {"X-Original-Method", "GET"},
            {"X-Forwarded-For", "198.51.100.1"}};
}

Headers caddy(std::string_view uri, std::string_view method = "GET",
              std::string_view host = "app.example.com")
{
    return {{"Host", host},
            {"Accept", "text/html,application/xhtml+xml;q=0.9"},
            {"X-Forwarded-Method", method},
            {"X-Forwarded-Proto", "https"},
            {"X-Forwarded-Host", host},
            {"X-Forwarded-Uri", uri},
            {"X-Forwarded-For", "198.51.100.1"}};
}

/// The same with another value of one header; without `value`, without it.
Headers with(Headers headers, std::string_view name, std::optional<std::string_view> value)
{
    std::erase_if(headers, [&](const auto& each) { return each.first == name; });
    if (value) headers.emplace_back(name, *value);
    return headers;
}

Headers and_also(Headers headers, std::string_view name, std::string_view value)
{
    headers.emplace_back(name, value);
    return headers;
}

GuardAnswer answered(const Headers& headers, std::string_view user, std::vector<Rule> rules = example_rules(),
                     std::string_view peer = "127.0.0.1")
{
    const std::vector<std::string> proxies{"127.0.0.1"};
    const Guard guard(std::move(rules), web::Proxies(proxies));
    const auto logged_in = user.empty() ? std::nullopt : std::optional(holder(user));
    return guard.answer(auth::Source::from_address(peer), forwarded(headers), logged_in);
}

std::string location(const GuardAnswer& answer)
{
    for (const auto& [name, value] : answer.headers) {
        if (name == "Location") return value;
    }
    return "";
}

struct AnswerCase {
    const char* name;
    std::string_view uri;
    std::string_view user;  // empty: nobody is logged in
    Verdict verdict;
    std::string_view host = "app.example.com";
};

class Answers : public testing::TestWithParam<AnswerCase> {};

TEST_P(Answers, AreTheSameForEveryProxy)
{
    const auto& row = GetParam();
    const auto url = "https://" + std::string(row.host) + std::string(row.uri);
    const auto by_caddy = answered(caddy(row.uri, "GET", row.host), row.user);
    const auto by_nginx = answered(nginx(url, row.host), row.user);
    EXPECT_EQ(by_caddy.verdict, row.verdict);
    EXPECT_EQ(by_nginx.verdict, row.verdict);
    const auto status = [&](unsigned to_login) {
        return std::map<Verdict, unsigned>{
            {Verdict::allow, 200}, {Verdict::login, to_login}, {Verdict::refuse, 403}, {Verdict::doubt, 401}}
            .at(row.verdict);
    };
    EXPECT_EQ(by_caddy.status, status(303));
    EXPECT_EQ(by_nginx.status, status(401));
    EXPECT_EQ(by_nginx.headers, by_caddy.headers);
    EXPECT_EQ(location(by_nginx).empty(), row.verdict != Verdict::login);
    EXPECT_EQ(by_nginx.reason.empty(), row.verdict != Verdict::doubt);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, Answers,
    testing::Values(AnswerCase{"Stranger", "/", "", Verdict::login},
                    AnswerCase{"LoggedIn", "/", "bob", Verdict::allow},
                    AnswerCase{"ForEverybody", "/public", "", Verdict::allow},
                    AnswerCase{"ForEverybodyBelow", "/public/a?b", "", Verdict::allow},
                    AnswerCase{"NoWholeSegment", "/publicity", "", Verdict::login},
                    AnswerCase{"OtherCase", "/Public", "", Verdict::login},
                    AnswerCase{"ForNobody", "/internal", "alice", Verdict::refuse},
                    AnswerCase{"ForNobodyBelow", "/internal/a", "alice", Verdict::refuse},
                    AnswerCase{"ForNobodyAtAll", "/internal", "", Verdict::refuse},
                    AnswerCase{"ForAlice", "/books/1", "alice", Verdict::allow},
                    AnswerCase{"ForCarol", "/books/1", "carol", Verdict::allow},
                    AnswerCase{"NotForBob", "/books/1", "bob", Verdict::refuse},
                    AnswerCase{"NotForStrangers", "/books/1", "", Verdict::login},
                    AnswerCase{"Encoded", "/%62ooks/1", "bob", Verdict::refuse},
                    AnswerCase{"OtherHost", "/", "alice", Verdict::refuse, "example.com"},
                    AnswerCase{"OtherHostsStranger", "/", "", Verdict::refuse, "example.com"},
                    AnswerCase{"BelowAHostWithoutStar", "/", "alice", Verdict::refuse, "x.app.example.com"},
                    AnswerCase{"BelowAStar", "/", "bob", Verdict::allow, "a.b.lab.example.com"},
                    AnswerCase{"BelowAStarOther", "/", "alice", Verdict::refuse, "a.lab.example.com"},
                    AnswerCase{"StarIsNotItself", "/", "bob", Verdict::refuse, "lab.example.com"},
                    AnswerCase{"StarIsWholeLabels", "/", "bob", Verdict::refuse, "xlab.example.com"},
                    AnswerCase{"HostInUpperCase", "/", "alice", Verdict::allow, "APP.Example.com"},
                    AnswerCase{"HostWithPort", "/public", "", Verdict::allow, "app.example.com:8443"},
                    AnswerCase{"DotsWithinOneRule", "/books/a/../b", "alice", Verdict::allow},
                    AnswerCase{"DotsOutOfARule", "/public/../books", "alice", Verdict::doubt},
                    AnswerCase{"DotsIntoARule", "/books/../public/", "", Verdict::doubt},
                    AnswerCase{"EncodedDotsOutOfARule", "/public/%2e%2e/", "alice", Verdict::doubt},
                    AnswerCase{"SlashesHideARule", "//internal/a", "alice", Verdict::doubt},
                    AnswerCase{"ParametersHideARule", "/internal;x/a", "alice", Verdict::doubt},
                    AnswerCase{"ParametersWithDots", "/public/..;/internal/a", "", Verdict::doubt},
                    AnswerCase{"EncodedSlash", "/public%2f..%2finternal", "", Verdict::doubt}),
    kNameOf);

TEST(GuardTest, WithoutRulesWhoeverIsLoggedInMayPass)
{
    EXPECT_EQ(answered(caddy("/a//../b"), "bob", {}).verdict, Verdict::allow);
    EXPECT_EQ(answered(caddy("/", "GET", "any.example"), "", {}).verdict, Verdict::login);
    EXPECT_EQ(answered(caddy("/%2f"), "bob", {}).verdict, Verdict::doubt);
}

TEST(GuardTest, AYesSaysWhoseItIs)
{
    EXPECT_THAT(answered(caddy("/"), "alice").headers,
                UnorderedElementsAre(testing::Pair("Remote-User", "alice"),
                                     testing::Pair("Remote-Session", "6f1c0a52"),
                                     testing::Pair("Remote-Expires", "2026-11-22T12:00:00Z")));
    EXPECT_THAT(answered(caddy("/public"), "").headers, IsEmpty());
    EXPECT_EQ(answered(caddy("/public"), "alice").headers.size(), 3U) << "who is known is told all the same";
    EXPECT_THAT(answered(caddy("/internal"), "alice").headers, IsEmpty());
    EXPECT_THAT(answered(caddy("/books"), "bob").headers, IsEmpty()) << "nor the name with a refusal";
}

TEST(GuardTest, TheWayBackIsTheSitesOwn)
{
    const std::string url = "https://app.example.com/login?back=%2Fr%3Fx%3D1";
    EXPECT_EQ(location(answered(caddy("/r?x=1"), "")), url);
    EXPECT_EQ(location(answered(nginx("https://app.example.com/r?x=1"), "")), url);
    EXPECT_EQ(location(answered(caddy("//evil.example"), "")), "https://app.example.com/login");
    EXPECT_EQ(location(answered(nginx("https://app.example.com:8443/", "app.example.com:8443"), "")),
              "https://app.example.com:8443/login?back=%2F");
}

struct RedirectCase {
    const char* name;
    std::string_view method;
    std::optional<std::string_view> accept;
    unsigned status;
};

class Redirects : public testing::TestWithParam<RedirectCase> {};

TEST_P(Redirects, AreForPagesOnly)
{
    const auto& row = GetParam();
    const auto answer = answered(with(caddy("/", row.method), "Accept", row.accept), "");
    EXPECT_EQ(answer.verdict, Verdict::login);
    EXPECT_EQ(answer.status, row.status);
}

INSTANTIATE_TEST_SUITE_P(Guard, Redirects,
                         testing::Values(RedirectCase{"Page", "GET", "text/html", 303},
                                         RedirectCase{"Head", "HEAD", "text/html", 303},
                                         RedirectCase{"AmongOthers", "GET", "image/png, Text/HTML ;q=0.8,*/*",
                                                      303},
                                         RedirectCase{"Post", "POST", "text/html", 401},
                                         RedirectCase{"Script", "GET", "application/json", 401},
                                         RedirectCase{"Anything", "GET", "*/*", 401},
                                         RedirectCase{"NothingSaid", "GET", std::nullopt, 401},
                                         RedirectCase{"Alike", "GET", "text/htmlx", 401},
                                         RedirectCase{"Blanks", "GET", " , ,", 401}),
                         kNameOf);

TEST(GuardTest, HtmlMayBeInAnyOfSeveralAccepts)
{
    EXPECT_EQ(answered(and_also(with(caddy("/"), "Accept", "image/png"), "Accept", "text/html"), "").status,
              303U);
}

struct DoubtCase {
    const char* name;
    Headers headers;
};

class Doubts : public testing::TestWithParam<DoubtCase> {};

TEST_P(Doubts, AreANoWithoutAWayBack)
{
    // To a user who may see everything, for whom all else would be a yes.
    const auto answer = answered(GetParam().headers, "alice", {});
    EXPECT_EQ(answer.verdict, Verdict::doubt);
    EXPECT_EQ(answer.status, 401U);
    EXPECT_THAT(answer.headers, IsEmpty());
    EXPECT_FALSE(answer.reason.empty());
}

const Headers kNginx = nginx("https://app.example.com/");
const Headers kCaddy = caddy("/");

INSTANTIATE_TEST_SUITE_P(
    OfNginx, Doubts,
    testing::Values(
        DoubtCase{"NoHost", with(kNginx, "Host", std::nullopt)},
        DoubtCase{"EmptyHost", with(kNginx, "Host", "")},
        DoubtCase{"TwoHosts", and_also(kNginx, "Host", "app.example.com")},
        DoubtCase{"OtherHost", with(kNginx, "Host", "other.example.com")},
        DoubtCase{"OtherPort", with(kNginx, "Host", "app.example.com:8443")},
        DoubtCase{"HostList", with(kNginx, "Host", "app.example.com,app.example.com")},
        DoubtCase{"EmptyUrl", with(kNginx, "X-Original-URL", "")},
        DoubtCase{"TwoUrls", and_also(kNginx, "X-Original-URL", "https://app.example.com/")},
        DoubtCase{"PathForUrl", with(kNginx, "X-Original-URL", "/")},
        DoubtCase{"NoPath", with(kNginx, "X-Original-URL", "https://app.example.com")},
        DoubtCase{"QueryForPath", with(kNginx, "X-Original-URL", "https://app.example.com?/")},
        DoubtCase{"Http", with(kNginx, "X-Original-URL", "http://app.example.com/")},
        DoubtCase{"User", with(kNginx, "X-Original-URL", "https://u@app.example.com/")},
        DoubtCase{"Control", with(kNginx, "X-Original-URL", "https://app.example.com/\x01")},
        DoubtCase{"Blank", with(kNginx, "X-Original-URL", "https://app.example.com/ a")},
        DoubtCase{"TwoMethods", and_also(kNginx, "X-Original-Method", "GET")},
        DoubtCase{"EmptyMethod", with(kNginx, "X-Original-Method", "")},
        DoubtCase{"MethodList", with(kNginx, "X-Original-Method", "GET,POST")},
        DoubtCase{"ForwardedMethodToo", and_also(kNginx, "X-Forwarded-Method", "GET")},
        DoubtCase{"ForwardedUriToo", and_also(kNginx, "X-Forwarded-Uri", "/")},
        DoubtCase{"OtherForwardedHost", and_also(kNginx, "X-Forwarded-Host", "other.example.com")},
        DoubtCase{"OtherForwardedProto", and_also(kNginx, "X-Forwarded-Proto", "http")},
        DoubtCase{"TwoForwardedHosts", and_also(and_also(kNginx, "X-Forwarded-Host", "app.example.com"),
                                                "X-Forwarded-Host", "app.example.com")},
        DoubtCase{"TwoAddresses", and_also(kNginx, "X-Forwarded-For", "198.51.100.1")},
        DoubtCase{"NoAddress", with(kNginx, "X-Forwarded-For", "unknown")}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    OfCaddyAndTraefik, Doubts,
    testing::Values(DoubtCase{"Nothing", {}}, DoubtCase{"HostOnly", {{"Host", "app.example.com"}}},
                    DoubtCase{"NoHost", with(kCaddy, "Host", std::nullopt)},
                    DoubtCase{"TwoHosts", and_also(kCaddy, "Host", "app.example.com")},
                    DoubtCase{"NoMethod", with(kCaddy, "X-Forwarded-Method", std::nullopt)},
                    DoubtCase{"TwoMethods", and_also(kCaddy, "X-Forwarded-Method", "GET")},
                    DoubtCase{"MethodList", with(kCaddy, "X-Forwarded-Method", "GET,GET")},
                    DoubtCase{"LowerCaseMethod", with(kCaddy, "X-Forwarded-Method", "get")},
                    DoubtCase{"NoProto", with(kCaddy, "X-Forwarded-Proto", std::nullopt)},
                    DoubtCase{"TwoProtos", and_also(kCaddy, "X-Forwarded-Proto", "https")},
                    DoubtCase{"ProtoList", with(kCaddy, "X-Forwarded-Proto", "https,http")},
                    DoubtCase{"Http", with(kCaddy, "X-Forwarded-Proto", "http")},
                    DoubtCase{"OtherProto", with(kCaddy, "X-Forwarded-Proto", "ftp")},
                    DoubtCase{"NoForwardedHost", with(kCaddy, "X-Forwarded-Host", std::nullopt)},
                    DoubtCase{"TwoForwardedHosts", and_also(kCaddy, "X-Forwarded-Host", "app.example.com")},
                    DoubtCase{"ForwardedHostList",
                              with(kCaddy, "X-Forwarded-Host", "app.example.com, other.example.com")},
                    DoubtCase{"HostWithDotAtTheEnd", with(kCaddy, "X-Forwarded-Host", "app.example.com.")},
                    DoubtCase{"HostWithPath", with(kCaddy, "X-Forwarded-Host", "app.example.com/")},
                    DoubtCase{"NoUri", with(kCaddy, "X-Forwarded-Uri", std::nullopt)},
                    DoubtCase{"EmptyUri", with(kCaddy, "X-Forwarded-Uri", "")},
                    DoubtCase{"TwoUris", and_also(kCaddy, "X-Forwarded-Uri", "/")},
                    DoubtCase{"AbsoluteUri", with(kCaddy, "X-Forwarded-Uri", "https://app.example.com/")},
                    DoubtCase{"ControlInUri", with(kCaddy, "X-Forwarded-Uri", "/\r\n")},
                    DoubtCase{"OriginalMethodToo", and_also(kCaddy, "X-Original-Method", "GET")},
                    DoubtCase{"OriginalUrlToo",
                              and_also(kCaddy, "X-Original-URL", "https://app.example.com/")},
                    DoubtCase{"EmptyOriginalUrlToo", and_also(kCaddy, "X-Original-URL", "")},
                    DoubtCase{"TwoAddresses", and_also(kCaddy, "X-Forwarded-For", "198.51.100.1")}),
    kNameOf);

TEST(GuardTest, WhatNginxMaySendBesidesIsTaken)
{
    auto headers = with(kNginx, "X-Original-Method", std::nullopt);
    EXPECT_EQ(answered(headers, "alice").verdict, Verdict::allow);
    headers.emplace_back("X-Forwarded-Host", "app.example.com");
    headers.emplace_back("X-Forwarded-Proto", "wss");
    EXPECT_EQ(answered(headers, "alice").verdict, Verdict::allow);
}

TEST(GuardTest, TraefikAsksUnderTheDaemonsOwnHost)
{
    EXPECT_EQ(answered(with(kCaddy, "Host", "127.0.0.1:8100"), "alice").verdict, Verdict::allow);
}

TEST(GuardTest, ACommaIsForPathsOnly)
{
    EXPECT_EQ(answered(caddy("/a,b?c,d"), "alice").verdict, Verdict::allow);
}

TEST(GuardTest, OnlyAListedProxyMayAsk)
{
    for (const auto* const peer : {"127.0.0.2", "192.0.2.1", "unix"}) {
        const auto answer = answered(kCaddy, "alice", {}, peer);
        EXPECT_EQ(answer.verdict, Verdict::doubt) << peer;
        EXPECT_THAT(answer.headers, IsEmpty());
    }
}

TEST(ReadGuarded, TellsWhatIsAskedFor)
{
    const auto question = read_guarded(forwarded(caddy("/a/../b?c", "HEAD", "App.example.com:8443")));
    const auto* const request = std::get_if<GuardedRequest>(&question);
    ASSERT_NE(request, nullptr);
    EXPECT_EQ(request->origin.text(), "https://app.example.com:8443");
    EXPECT_EQ(request->target, "/a/../b?c");
    EXPECT_THAT(request->path.readings, ElementsAre("/b", "/a/../b"));
    EXPECT_TRUE(request->redirect);
}

}  // namespace
}  // namespace securelogin::web
