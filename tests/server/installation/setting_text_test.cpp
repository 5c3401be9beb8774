#include "server/setting_text.hpp"

#include <gmock/gmock.h>

namespace securelogin {
namespace {

using testing::HasSubstr;

struct TextCase {
    const char* name;
    Complaint (*check)(const std::string&);
    std::string text;
    std::string complaint;  // a part of it; empty: none
};

class SettingText : public testing::TestWithParam<TextCase> {};

TEST_P(SettingText, IsJudged)
{
    const auto complaint = GetParam().check(GetParam().text);
    EXPECT_EQ(complaint.has_value(), !GetParam().complaint.empty()) << complaint.value_or("");
    EXPECT_THAT(complaint.value_or(""), HasSubstr(GetParam().complaint));
}

constexpr auto kNameOf = [](const testing::TestParamInfo<TextCase>& row) { return row.param.name; };
const std::string kLongLabel(63, 'a');

INSTANTIATE_TEST_SUITE_P(
    ServerName, SettingText,
    testing::Values(TextCase{"OneLabel", why_not_server_name, "gate", ""},
                    TextCase{"Labels", why_not_server_name, "auth.Example-1.net", ""},
                    TextCase{"Underscore", why_not_server_name, "build_host", ""},
                    TextCase{"IPv4", why_not_server_name, "192.0.2.7", ""},
                    TextCase{"IPv6", why_not_server_name, "2001:db8::7", ""},
                    TextCase{"LongestLabel", why_not_server_name, kLongLabel, ""},
                    TextCase{"LongestName", why_not_server_name,
                             kLongLabel + '.' + kLongLabel + '.' + kLongLabel + '.' + std::string(61, 'b'),
                             ""},
                    TextCase{"TooLong", why_not_server_name,
                             kLongLabel + '.' + kLongLabel + '.' + kLongLabel + '.' + std::string(62, 'b'),
                             "no host name"},
                    TextCase{"LabelTooLong", why_not_server_name, kLongLabel + "a", "no host name"},
                    TextCase{"Empty", why_not_server_name, "", "no host name"},
                    TextCase{"EmptyLabel", why_not_server_name, "a..b", "no host name"},
                    TextCase{"TrailingDot", why_not_server_name, "example.net.", "no host name"},
                    TextCase{"LeadingDot", why_not_server_name, ".example.net", "no host name"},
                    TextCase{"LeadingHyphen", why_not_server_name, "a.-b", "no host name"},
                    TextCase{"TrailingHyphen", why_not_server_name, "a-.b", "no host name"},
                    TextCase{"Blank", why_not_server_name, "two words", "no host name"},
                    TextCase{"NotAscii", why_not_server_name, "caf\xc3\xa9.example", "no host name"},
                    TextCase{"LineBreak", why_not_server_name, "a\r\n530", "no host name"},
                    TextCase{"Nul", why_not_server_name, std::string("a\0b", 3), "no host name"},
                    TextCase{"Slash", why_not_server_name, "a/b", "no host name"},
                    TextCase{"Port", why_not_server_name, "example.net:9999", "no host name"}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(Issuer, SettingText,
                         testing::Values(TextCase{"Plain", why_not_issuer, "SecureLogin", ""},
                                         TextCase{"InnerBlank", why_not_issuer, "Example Ltd", ""},
                                         TextCase{"NotAscii", why_not_issuer, "B\xc3\xbcro", ""},
                                         TextCase{"Longest", why_not_issuer, std::string(64, 'a'), ""},
                                         TextCase{"TooLong", why_not_issuer, std::string(65, 'a'),
                                                  "64 octets"},
                                         TextCase{"Colon", why_not_issuer, "Example:Ltd", "colon"},
                                         TextCase{"BlankFirst", why_not_issuer, " Example", "blank"},
                                         TextCase{"BlankLast", why_not_issuer, "Example ", "blank"}),
                         kNameOf);

INSTANTIATE_TEST_SUITE_P(
    TlsListener, SettingText,
    testing::Values(
        TextCase{"IPv4", why_not_tls_listener, "192.0.2.7:9999", ""},
        TextCase{"AllIPv4", why_not_tls_listener, "0.0.0.0:9999", ""},
        TextCase{"IPv6", why_not_tls_listener, "[2001:db8::7]:9999", ""},
        TextCase{"AllIPv6", why_not_tls_listener, "[::]:9999", ""},
        TextCase{"FreePort", why_not_tls_listener, "127.0.0.1:0", ""},
        TextCase{"LastPort", why_not_tls_listener, "127.0.0.1:65535", ""},
        TextCase{"PortTooLarge", why_not_tls_listener, "127.0.0.1:65536", "numeric address and port"},
        TextCase{"NoPort", why_not_tls_listener, "127.0.0.1", "numeric address and port"},
        TextCase{"EmptyPort", why_not_tls_listener, "127.0.0.1:", "numeric address and port"},
        TextCase{"NamedPort", why_not_tls_listener, "127.0.0.1:http", "numeric address and port"},
        TextCase{"SignedPort", why_not_tls_listener, "127.0.0.1:+1", "numeric address and port"},
        TextCase{"NoAddress", why_not_tls_listener, ":9999", "numeric address and port"},
        TextCase{"Empty", why_not_tls_listener, "", "numeric address and port"},
        TextCase{"Star", why_not_tls_listener, "*:9999", "0.0.0.0:9999"},
        TextCase{"HostName", why_not_tls_listener, "localhost:9999", "not looked up"},
        TextCase{"BareIPv6", why_not_tls_listener, "2001:db8::7:9999", "[2001:db8::7]:9999"},
        TextCase{"BracketedIPv4", why_not_tls_listener, "[127.0.0.1]:9999", "numeric address and port"},
        TextCase{"HalfBracket", why_not_tls_listener, "[::1:9999", "numeric address and port"},
        TextCase{"EmptyBrackets", why_not_tls_listener, "[]:9999", "numeric address and port"},
        TextCase{"Zone", why_not_tls_listener, "[fe80::1%eth0]:9999", "numeric address and port"},
        TextCase{"ShortIPv4", why_not_tls_listener, "127.1:9999", "numeric address and port"},
        TextCase{"Nul", why_not_tls_listener, std::string("127.0.0.1\0x:9999", 16),
                 "numeric address and port"},
        TextCase{"UnixSocket", why_not_tls_listener, "unix:/run/socket", "listen.plain"}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    PlainListener, SettingText,
    testing::Values(
        TextCase{"IPv4", why_not_plain_listener, "127.0.0.1:9998", ""},
        TextCase{"OtherLoopback", why_not_plain_listener, "127.255.0.9:9998", ""},
        TextCase{"IPv6", why_not_plain_listener, "[::1]:9998", ""},
        TextCase{"LongIPv6", why_not_plain_listener, "[0:0:0:0:0:0:0:1]:9998", ""},
        TextCase{"UnixSocket", why_not_plain_listener, "unix:/run/securelogin/socket", ""},
        TextCase{"LongestSocket", why_not_plain_listener, "unix:/" + std::string(106, 'a'), ""},
        TextCase{"SocketTooLong", why_not_plain_listener, "unix:/" + std::string(107, 'a'), "107 octets"},
        TextCase{"RelativeSocket", why_not_plain_listener, "unix:socket", "absolute"},
        TextCase{"NoSocket", why_not_plain_listener, "unix:", "absolute"},
        TextCase{"AllIPv4", why_not_plain_listener, "0.0.0.0:9998", "in clear over a network"},
        TextCase{"AllIPv6", why_not_plain_listener, "[::]:9998", "in clear over a network"},
        TextCase{"Network", why_not_plain_listener, "192.0.2.7:9998", "in clear over a network"},
        TextCase{"NearLoopback", why_not_plain_listener, "128.0.0.1:9998", "in clear over a network"},
        TextCase{"LoopbackMapped", why_not_plain_listener, "[::ffff:127.0.0.1]:9998",
                 "in clear over a network"},
        TextCase{"NetworkMapped", why_not_plain_listener, "[::ffff:192.0.2.7]:9998",
                 "in clear over a network"},
        TextCase{"HostName", why_not_plain_listener, "localhost:9998", "127.0.0.1:9998"},
        TextCase{"LooksLikeLoopback", why_not_plain_listener, "127.example.net:9998", "numeric loopback"}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    LocalListener, SettingText,
    testing::Values(TextCase{"IPv4", why_not_local_listener, "127.0.0.1:9101", ""},
                    TextCase{"IPv6", why_not_local_listener, "[::1]:9101", ""},
                    TextCase{"UnixSocket", why_not_local_listener, "unix:/run/securelogin/metrics", ""},
                    TextCase{"RelativeSocket", why_not_local_listener, "unix:metrics", "absolute"},
                    TextCase{"AllIPv4", why_not_local_listener, "0.0.0.0:9101", "loopback"},
                    TextCase{"AllIPv6", why_not_local_listener, "[::]:9101", "loopback"},
                    TextCase{"Network", why_not_local_listener, "192.0.2.7:9101", "loopback"},
                    TextCase{"HostName", why_not_local_listener, "localhost:9101", "loopback"},
                    TextCase{"PortAlone", why_not_local_listener, "9101", "loopback"}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    VerifyListener, SettingText,
    testing::Values(TextCase{"UnixSocket", why_not_verify_listener, "unix:/run/securelogin/verify.sock", ""},
                    TextCase{"RelativeSocket", why_not_verify_listener, "unix:verify", "absolute"},
                    TextCase{"TooLong", why_not_verify_listener, "unix:/" + std::string(107, 'a'),
                             "too long"},
                    TextCase{"Loopback", why_not_verify_listener, "127.0.0.1:9101", "Unix socket"},
                    TextCase{"PathAlone", why_not_verify_listener, "/run/verify", "Unix socket"}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(UserName, SettingText,
                         testing::Values(TextCase{"Plain", why_not_user, "securelogin", ""},
                                         TextCase{"Hyphen", why_not_user, "secure-login", ""},
                                         TextCase{"Longest", why_not_user, std::string(32, 'a'), ""},
                                         TextCase{"TooLong", why_not_user, std::string(33, 'a'),
                                                  "user's name"},
                                         TextCase{"WithGroup", why_not_user, "a:b", "user's name"},
                                         TextCase{"Option", why_not_user, "-a", "user's name"},
                                         TextCase{"Path", why_not_user, "../a", "user's name"}),
                         kNameOf);

INSTANTIATE_TEST_SUITE_P(Absolute, SettingText,
                         testing::Values(TextCase{"Absolute", why_not_absolute, "/srv/x", ""},
                                         TextCase{"Relative", why_not_absolute, "srv/x", "absolute"},
                                         TextCase{"Home", why_not_absolute, "~/x", "absolute"}),
                         kNameOf);

struct DistanceCase {
    const char* name;
    std::string_view from, to;
    std::size_t distance;
};

class EditDistance : public testing::TestWithParam<DistanceCase> {};

TEST_P(EditDistance, CountsEdits)
{
    EXPECT_EQ(edit_distance(GetParam().from, GetParam().to), GetParam().distance);
    EXPECT_EQ(edit_distance(GetParam().to, GetParam().from), GetParam().distance) << "it is symmetric";
}

INSTANTIATE_TEST_SUITE_P(Words, EditDistance,
                         testing::Values(DistanceCase{"Same", "limits", "limits", 0},
                                         DistanceCase{"Inserted", "limit", "limits", 1},
                                         DistanceCase{"Replaced", "limips", "limits", 1},
                                         DistanceCase{"Swapped", "nmae", "name", 2},
                                         DistanceCase{"Empty", "", "abc", 3},
                                         DistanceCase{"BothEmpty", "", "", 0},
                                         DistanceCase{"Far", "kitten", "sitting", 3}),
                         [](const auto& row) { return row.param.name; });

struct UnquotedCase {
    const char* name;
    std::string_view toml;
    std::optional<std::size_t> at;
};

class Unquoted : public testing::TestWithParam<UnquotedCase> {};

TEST_P(Unquoted, IsFound) { EXPECT_EQ(unquoted_non_ascii(GetParam().toml), GetParam().at); }

// clang-format off
INSTANTIATE_TEST_SUITE_P(Text, Unquoted,
    testing::Values(
        UnquotedCase{"Nothing",            "",                              std::nullopt},
        UnquotedCase{"QuoteInABareValue",  "a =4A'\xC3\x91'",               6},
        UnquotedCase{"BehindAControl",     "a =4A\x1e_\x7f'[\xC3\x91",      10},
        UnquotedCase{"SecondEquals",       "a = 1='\xC3\x91'",              7},
        UnquotedCase{"ValueInAnArray",     "a = [\n4A='\xC3\x91'",          10},
        UnquotedCase{"Escaped",            "a = \"\\\xC3\x91\"",              6},
        UnquotedCase{"BehindAFoldedLine",  "a = \"\"\"\\ \n \xC3\x91\"\"\"",   11},
        UnquotedCase{"AfterAnEscape",      "a = \"\\\\\xC3\x91\"",            std::nullopt},
        UnquotedCase{"RightBehindEquals",  "a='\xC3\x91'\nb='\xC3\x91'",    std::nullopt},
        UnquotedCase{"InADottedKey",       "a.'\xC3\x91' = 1",              std::nullopt},
        UnquotedCase{"InAnArray",          "a=['\xC3\x91',\"\xC3\x91\"]",     std::nullopt},
        UnquotedCase{"Plain",              "a = 1\n",                       std::nullopt},
        UnquotedCase{"Value",              "a = \u00e9",                    4},
        UnquotedCase{"Key",                "\u00e9 = 1",                    0},
        UnquotedCase{"String",             "a = \"\u00e9\"",                std::nullopt},
        UnquotedCase{"Literal",            "a = '\u00e9'",                  std::nullopt},
        UnquotedCase{"QuotedKey",          "\"\u00e9\" = 1",                std::nullopt},
        UnquotedCase{"Comment",            "a = 1 # \u00e9",                std::nullopt},
        UnquotedCase{"AfterTheComment",    "#\n\u00e9",                     2},
        UnquotedCase{"AfterTheString",     "a = \"\"\u00e9",                6},
        UnquotedCase{"AfterTheLiteral",    "a = ''\u00e9",                  6},
        UnquotedCase{"EscapedQuote",       "a = \"\\\"\u00e9\"",            std::nullopt},
        UnquotedCase{"EscapedBackslash",   "a = \"\\\\\"\u00e9",            8},
        UnquotedCase{"BackslashInLiteral", "a = '\\'\u00e9",                7},
        UnquotedCase{"HashInString",       "a = \"#\"\u00e9",               7},
        UnquotedCase{"OtherQuoteInside",   "a = \"'\"\u00e9",               7},
        UnquotedCase{"NotEnded",           "a = \"\n\u00e9",                6},
        UnquotedCase{"ManyLines",          "a = \"\"\"\n\u00e9\"\"\"",      std::nullopt},
        UnquotedCase{"ManyLinesLiteral",   "a = '''\n\u00e9'''",            std::nullopt},
        UnquotedCase{"QuotesInManyLines",  "a = \"\"\"\"\"\u00e9\"\"\"",    std::nullopt},
        UnquotedCase{"QuotesAtTheEnd",     "a = \"\"\"b\"\"\"\"\"\u00e9",   13},
        UnquotedCase{"TooManyAtTheEnd",    "a = \"\"\"b\"\"\"\"\"\"\u00e9", std::nullopt}),
    [](const auto& row) { return row.param.name; });
// clang-format on

}  // namespace
}  // namespace securelogin
