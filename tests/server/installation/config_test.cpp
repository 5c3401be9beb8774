#include "server/config.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "startup_error.hpp"
#include "tests/support/temporary_directory.hpp"

namespace securelogin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using namespace std::chrono_literals;

Settings parsed(std::string_view toml) { return parse_settings(toml, "a.toml"); }

TEST(ParseSettings, AnEmptyFileGivesTheDefaults)
{
    const auto settings = parsed("");
    EXPECT_FALSE(settings.name.empty());
    EXPECT_EQ(settings.issuer, "SecureLogin");
    EXPECT_EQ(settings.data, std::nullopt);
    EXPECT_THAT(settings.listen.tls, ElementsAre("127.0.0.1:9999"));
    EXPECT_THAT(settings.listen.plain, IsEmpty());
    EXPECT_EQ(settings.listen.verify, std::nullopt);
    EXPECT_FALSE(settings.tls.allow_tls12);
    EXPECT_EQ(settings.tls.certificate, std::nullopt);
    EXPECT_EQ(settings.limits.connections, 4096U);
    EXPECT_EQ(settings.limits.connections_per_source, 64U);
    EXPECT_EQ(settings.limits.accepts_per_source, 250U);
    EXPECT_EQ(settings.limits.handshakes, 256U);
    EXPECT_EQ(settings.limits.handshakes_per_source, 16U);
    EXPECT_EQ(settings.policy.hash, auth::kFloor);
    EXPECT_EQ(settings.breached_passwords, std::nullopt);
    EXPECT_EQ(settings.policy.totp_window, 1);
    EXPECT_EQ(settings.policy.waits.free, 4);
    EXPECT_EQ(settings.policy.sessions.idle, 30min);
    EXPECT_EQ(settings.log.format, LogFormat::text);
    EXPECT_EQ(settings.process.user, std::nullopt);
    EXPECT_EQ(settings.process.confine, Confine::automatic);
    EXPECT_EQ(settings.metrics.listen, std::nullopt);
    EXPECT_FALSE(settings.metrics.reasons);
    EXPECT_THAT(settings.listen.web, IsEmpty());
    EXPECT_THAT(settings.listen.web_plain, IsEmpty());
    EXPECT_EQ(settings.web.name, "SecureLogin") << "the issuer";
    EXPECT_EQ(settings.web.logo, std::nullopt);
    EXPECT_EQ(settings.web.accent, std::nullopt);
    EXPECT_FALSE(settings.web.open_registration);
    EXPECT_THAT(settings.web.back_to, IsEmpty());
    EXPECT_THAT(settings.web.proxies, IsEmpty());
    EXPECT_THAT(settings.web.rules, IsEmpty());
}

TEST(ParseSettings, EveryKeyArrivesWhereItBelongs)
{
    const auto settings = parsed(R"(
name = "login.example.net"
issuer = "Example Ltd"
data = "/srv/login"
[listen]
tls = ["0.0.0.0:9999", "[::]:9999"]
plain = ["127.0.0.1:9998", "unix:/run/login"]
verify = "unix:/run/verify"
web = ["0.0.0.0:443", "[::]:443"]
web_plain = ["127.0.0.1:8080", "unix:/run/web"]
[tls]
minimum_version = "1.2"
certificate = "/etc/cert.pem"
key = "/etc/key.pem"
[limits]
connections = 11
connections_per_source = 12
accepts_per_source = 15
handshakes = 16
handshakes_per_source = 17
hash_queue = 13
hash_wait = 14
tokens_remembered = 18
[deadlines]
handshake = 21
answer = 22
login = 23
idle = 24
enrolment = 26
drain = 25
[threads]
io = 31
hash = 32
[password]
memory_kib = 65536
passes = 3
breached_passwords = "/srv/breached.txt"
[totp]
window = 0
[waits]
free = 41
first = 42
longest = 43
strangers = 44
[session]
idle = 61
absolute = 62
[alarms]
command = ["/usr/local/bin/page", "--to", "the one who is on duty"]
[log]
format = "json"
level = "warning"
[process]
user = "login"
confine = "required"
[metrics]
listen = "127.0.0.1:9101"
reasons = true
[web]
name = "Example's door"
logo = "/etc/logo.svg"
accent = "#1F6FEB"
open_registration = true
back_to = ["https://app.example.com", "http://localhost:3000"]
proxies = ["127.0.0.1", "10.0.0.0/8", "unix"]
[[web.rule]]
host = "app.example.com"
path = "/public"
require = "nothing"
[[web.rule]]
host = "*.example.com"
users = ["Alice", "bob"]
)");
    EXPECT_EQ(settings.name, "login.example.net");
    EXPECT_EQ(settings.issuer, "Example Ltd");
    EXPECT_EQ(settings.data, "/srv/login");
    EXPECT_THAT(settings.listen.tls, ElementsAre("0.0.0.0:9999", "[::]:9999"));
    EXPECT_THAT(settings.listen.plain, ElementsAre("127.0.0.1:9998", "unix:/run/login"));
    EXPECT_EQ(settings.listen.verify, "unix:/run/verify");
    EXPECT_TRUE(settings.tls.allow_tls12);
    EXPECT_EQ(settings.tls.certificate, "/etc/cert.pem");
    EXPECT_EQ(settings.tls.key, "/etc/key.pem");
    EXPECT_EQ(settings.limits.connections, 11U);
    EXPECT_EQ(settings.limits.connections_per_source, 12U);
    EXPECT_EQ(settings.limits.accepts_per_source, 15U);
    EXPECT_EQ(settings.limits.handshakes, 16U);
    EXPECT_EQ(settings.limits.handshakes_per_source, 17U);
    EXPECT_EQ(settings.limits.hash_queue, 13U);
    EXPECT_EQ(settings.limits.hash_wait, 14s);
    EXPECT_EQ(settings.limits.tokens_remembered, 18U);
    EXPECT_EQ(settings.deadlines.handshake, 21s);
    EXPECT_EQ(settings.deadlines.answer, 22s);
    EXPECT_EQ(settings.deadlines.login, 23s);
    EXPECT_EQ(settings.deadlines.idle, 24s);
    EXPECT_EQ(settings.deadlines.enrolment, 26s);
    EXPECT_EQ(settings.deadlines.drain, 25s);
    EXPECT_EQ(settings.threads.io, 31U);
    EXPECT_EQ(settings.threads.hash, 32U);
    EXPECT_EQ(settings.policy.hash, (auth::HashParameters{65536, 3, 1}));
    EXPECT_EQ(settings.breached_passwords, "/srv/breached.txt");
    EXPECT_EQ(settings.policy.totp_window, 0);
    EXPECT_EQ(settings.policy.waits.free, 41);
    EXPECT_EQ(settings.policy.waits.first_wait, 42s);
    EXPECT_EQ(settings.policy.waits.longest_wait, 43s);
    EXPECT_EQ(settings.policy.ceiling.failures, 44);
    EXPECT_EQ(settings.policy.sessions.idle, 61s);
    EXPECT_EQ(settings.policy.sessions.absolute, 62s);
    EXPECT_THAT(settings.alarms.command,
                ElementsAre("/usr/local/bin/page", "--to", "the one who is on duty"));
    EXPECT_EQ(settings.log.format, LogFormat::json);
    EXPECT_EQ(settings.log.level, Level::warning);
    EXPECT_EQ(settings.process.user, "login");
    EXPECT_EQ(settings.process.confine, Confine::required);
    EXPECT_EQ(settings.metrics.listen, "127.0.0.1:9101");
    EXPECT_TRUE(settings.metrics.reasons);
    EXPECT_THAT(settings.listen.web, ElementsAre("0.0.0.0:443", "[::]:443"));
    EXPECT_THAT(settings.listen.web_plain, ElementsAre("127.0.0.1:8080", "unix:/run/web"));
    EXPECT_EQ(settings.web.name, "Example's door");
    EXPECT_EQ(settings.web.logo, "/etc/logo.svg");
    EXPECT_EQ(settings.web.accent, "#1f6feb");
    EXPECT_TRUE(settings.web.open_registration);
    EXPECT_THAT(settings.web.back_to, ElementsAre(*web::Origin::parse("https://app.example.com"),
                                                  *web::Origin::parse("http://localhost:3000")));
    EXPECT_THAT(settings.web.proxies, ElementsAre("127.0.0.1", "10.0.0.0/8", "unix"));
    const web::Rule open{.host = "app.example.com", .path = "/public", .require = web::Require::nothing};
    const web::Rule named{.host = "*.example.com",
                          .users = {*auth::UserName::parse("alice"), *auth::UserName::parse("bob")}};
    EXPECT_THAT(settings.web.rules, ElementsAre(open, named));
}

TEST(ParseSettings, TheExampleFileHoldsTheDefaults)
{
    const auto file = std::filesystem::path(SECURELOGIN_SOURCE_DIR) / "packaging" / "securelogind.toml";
    std::ifstream stream(file);
    const std::string example(std::istreambuf_iterator<char>(stream), {});
    std::string uncommented;  // `#key = value` is a setting, `# words` are words
    for (std::size_t begin = 0; begin < example.size();) {
        const auto end = example.find('\n', begin);
        auto line = example.substr(begin, end - begin);
        if (line.starts_with('#') && !line.starts_with("# ") && line != "#") line.erase(0, 1);
        uncommented += line + '\n';
        begin = end + 1;
    }
    const auto settings = parsed(uncommented);
    const Settings defaults;
    EXPECT_EQ(settings.issuer, defaults.issuer);
    EXPECT_THAT(settings.listen.tls, ElementsAre("127.0.0.1:9999"));
    EXPECT_EQ(settings.tls.allow_tls12, defaults.tls.allow_tls12);
    EXPECT_EQ(settings.limits.connections, defaults.limits.connections);
    EXPECT_EQ(settings.limits.connections_per_source, defaults.limits.connections_per_source);
    EXPECT_EQ(settings.limits.accepts_per_source, defaults.limits.accepts_per_source);
    EXPECT_EQ(settings.limits.handshakes, defaults.limits.handshakes);
    EXPECT_EQ(settings.limits.handshakes_per_source, defaults.limits.handshakes_per_source);
    EXPECT_EQ(settings.limits.hash_queue, defaults.limits.hash_queue);
    EXPECT_EQ(settings.deadlines.handshake, defaults.deadlines.handshake);
    EXPECT_EQ(settings.deadlines.answer, defaults.deadlines.answer);
    EXPECT_EQ(settings.deadlines.login, defaults.deadlines.login);
    EXPECT_EQ(settings.deadlines.idle, defaults.deadlines.idle);
    EXPECT_EQ(settings.deadlines.enrolment, defaults.deadlines.enrolment);
    EXPECT_EQ(settings.deadlines.drain, defaults.deadlines.drain);
    EXPECT_EQ(settings.threads.io, defaults.threads.io);
    EXPECT_EQ(settings.threads.hash, defaults.threads.hash);
    EXPECT_EQ(settings.policy.hash, defaults.policy.hash);
    EXPECT_EQ(settings.policy.totp_window, defaults.policy.totp_window);
    EXPECT_EQ(settings.policy.waits.free, defaults.policy.waits.free);
    EXPECT_EQ(settings.policy.waits.first_wait, defaults.policy.waits.first_wait);
    EXPECT_EQ(settings.policy.waits.longest_wait, defaults.policy.waits.longest_wait);
    EXPECT_EQ(settings.policy.sessions.idle, defaults.policy.sessions.idle);
    EXPECT_EQ(settings.policy.sessions.absolute, defaults.policy.sessions.absolute);
    EXPECT_EQ(settings.alarms.command, defaults.alarms.command);
    EXPECT_EQ(settings.log.format, defaults.log.format);
    EXPECT_EQ(settings.log.level, defaults.log.level);
    EXPECT_EQ(settings.process.confine, defaults.process.confine);
    EXPECT_EQ(settings.metrics.reasons, defaults.metrics.reasons);
    EXPECT_EQ(settings.web.open_registration, defaults.web.open_registration);
    EXPECT_THAT(settings.web.rules, IsEmpty());
    EXPECT_TRUE(parsed(example).tls.certificate == std::nullopt) << "as it is installed it changes nothing";
}

struct ListenCase {
    const char* name;
    std::string_view toml;
    std::size_t tls, plain, web, web_plain;  // listeners
};

class Listeners : public testing::TestWithParam<ListenCase> {};

TEST_P(Listeners, AreTheOnesNamed)
{
    const auto settings = parsed(GetParam().toml);
    EXPECT_EQ(settings.listen.tls.size(), GetParam().tls);
    EXPECT_EQ(settings.listen.plain.size(), GetParam().plain);
    EXPECT_EQ(settings.listen.web.size(), GetParam().web);
    EXPECT_EQ(settings.listen.web_plain.size(), GetParam().web_plain);
}

INSTANTIATE_TEST_SUITE_P(
    ParseSettings, Listeners,
    testing::Values(
        ListenCase{"NeitherGivesTheDefault", "", 1, 0, 0, 0},
        ListenCase{"EmptySection", "[listen]", 1, 0, 0, 0},
        ListenCase{"OnlyPlainReplacesTheDefault", "[listen]\nplain = ['127.0.0.1:1']", 0, 1, 0, 0},
        ListenCase{"Inline", "listen = {tls = ['[::]:1', '0.0.0.0:1']}", 2, 0, 0, 0},
        ListenCase{"WebBesidesTheDefault", "[listen]\nweb = ['[::]:1']", 1, 0, 1, 0},
        ListenCase{"WebAlone", "[listen]\ntls = []\nweb = ['[::]:1']", 0, 0, 1, 0},
        ListenCase{"WebBehindAProxyAlone", "[listen]\ntls = []\nweb_plain = ['unix:/w']", 0, 0, 0, 1},
        ListenCase{"Dotted", "listen.tls = ['[::]:1']", 1, 0, 0, 0}),
    [](const auto& row) { return row.param.name; });

struct RangeCase {
    const char* section;
    const char* key;
    std::int64_t lowest, highest;
};

std::ostream& operator<<(std::ostream& out, const RangeCase& row)
{
    return out << row.section << '.' << row.key;
}

class Range : public testing::TestWithParam<RangeCase> {
  protected:
    [[nodiscard]] static std::string refusal(std::int64_t value)
    {
        const auto& [section, key, lowest, highest] = GetParam();
        auto toml = std::string("[") + section + "]\n" + key + " = " + std::to_string(value) + "\n";
        // Whose values have to agree with another's.
        if (toml.starts_with("[waits]\nfirst")) toml += "longest = 86400\n";
        if (toml.starts_with("[waits]\nlongest")) toml += "first = 1\n";
        if (toml.starts_with("[session]\nidle")) toml += "absolute = 2592000\n";
        if (toml.starts_with("[session]\nabsolute")) toml += "idle = 1\n";
        return refusal_of([&] { return parsed(toml); });
    }
};

TEST_P(Range, BothEndsAreClosed)
{
    const auto& [section, key, lowest, highest] = GetParam();
    EXPECT_EQ(refusal(lowest), "(accepted)");
    EXPECT_EQ(refusal(highest), "(accepted)");
    const auto name = std::string(section) + "." + key;
    const auto remedy = "give an integer from " + std::to_string(lowest) + " to " + std::to_string(highest);
    for (const auto outside : {lowest - 1, highest + 1, std::numeric_limits<std::int64_t>::min(),
                               std::numeric_limits<std::int64_t>::max()}) {
        EXPECT_THAT(refusal(outside), StartsWith("a.toml:2:"));
        EXPECT_THAT(refusal(outside),
                    HasSubstr(name + " = " + std::to_string(outside) + " is out of range: " + remedy));
    }
}

INSTANTIATE_TEST_SUITE_P(
    ParseSettings, Range,
    testing::Values(RangeCase{"limits", "connections", 1, 1000000},
                    RangeCase{"limits", "connections_per_source", 1, 1000000},
                    RangeCase{"limits", "accepts_per_source", 1, 1000000},
                    RangeCase{"limits", "handshakes", 1, 65536},
                    RangeCase{"limits", "handshakes_per_source", 1, 65536},
                    RangeCase{"limits", "hash_queue", 1, 65536}, RangeCase{"limits", "hash_wait", 1, 60},
                    RangeCase{"limits", "tokens_remembered", 0, 100000000},
                    RangeCase{"waits", "strangers", 1, 10000}, RangeCase{"deadlines", "handshake", 1, 300},
                    RangeCase{"deadlines", "answer", 1, 3600}, RangeCase{"deadlines", "login", 1, 3600},
                    RangeCase{"deadlines", "idle", 1, 86400}, RangeCase{"deadlines", "drain", 1, 300},
                    RangeCase{"deadlines", "enrolment", 1, 3600}, RangeCase{"threads", "io", 0, 256},
                    RangeCase{"threads", "hash", 0, 256}, RangeCase{"password", "memory_kib", 19456, 262144},
                    RangeCase{"password", "passes", 2, 16}, RangeCase{"totp", "window", 0, 5},
                    RangeCase{"waits", "free", 0, 100}, RangeCase{"waits", "first", 1, 3600},
                    RangeCase{"waits", "longest", 1, 86400}, RangeCase{"session", "idle", 1, 86400},
                    RangeCase{"session", "absolute", 1, 2592000}),
    [](const auto& row) { return std::string(row.param.section) + "_" + row.param.key; });

struct RefusedCase {
    const char* name;
    std::string toml;
    std::string message;  // a part of it; it begins with the place
};

class Refused : public testing::TestWithParam<RefusedCase> {};

TEST_P(Refused, SaysWhereAndWhatToDo)
{
    const auto message = refusal_of([] { return parsed(GetParam().toml); });
    EXPECT_THAT(message, HasSubstr(GetParam().message));
    EXPECT_THAT(message, StartsWith("a.toml:"));
    EXPECT_EQ(message.find('\n'), std::string::npos) << "one line";
}

constexpr auto kNameOf = [](const testing::TestParamInfo<RefusedCase>& row) { return row.param.name; };

INSTANTIATE_TEST_SUITE_P(
    UnknownKeys, Refused,
    testing::Values(
        RefusedCase{"NearTop", "\nisuer = 'a'", "a.toml:2:1: isuer is not a setting: did you mean issuer?"},
        RefusedCase{"Swapped", "nmae = 'a'", "did you mean name?"},
        RefusedCase{"NearInSection", "[limits]\n\n  conections = 1",
                    "a.toml:3:3: limits.conections is not a setting: did you mean connections?"},
        RefusedCase{"NearSection", "[deadline]\nidle = 1",
                    "a.toml:1:2: deadline is not a setting: did you mean deadlines?"},
        RefusedCase{"OfAnotherSection", "[log]\nconnections = 1", "move it under [limits]"},
        RefusedCase{"OfTheTop", "[log]\nissuer = 'x'", "move it to the top, before the first [section]"},
        RefusedCase{"AtTheTop", "minimum_version = '1.3'", "move it under [tls]"},
        RefusedCase{"NothingLikeIt", "[log]\ncolour_of_the_sky = 'x'",
                    "leave it out; known here: format, level"},
        RefusedCase{"SectionInSection", "[log.extra]\na = 1", "log.extra is not a setting"},
        RefusedCase{"Upper", "NAME = 'a'", "NAME is not a setting"},
        RefusedCase{"EmptyKey", "'' = 1", " is not a setting"},
        RefusedCase{"ControlInKey", "\"a\\u001b[2J\" = 1", "a\\x1b[2J is not a setting"},
        RefusedCase{"LongKey", std::string(4000, 'k') + "=1", "is not a setting"}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    Types, Refused,
    testing::Values(
        RefusedCase{"NumberForText", "name = 1", "a.toml:1:8: name is an integer: give a string in quotes"},
        RefusedCase{"TextForNumber", "[limits]\nconnections = '1'",
                    "a.toml:2:15: limits.connections is a string: give an integer from 1 to 1000000"},
        RefusedCase{"UnitForSeconds", "[deadlines]\nidle = '15min'",
                    "deadlines.idle is a string: give an integer"},
        RefusedCase{"FractionForNumber", "[deadlines]\nanswer = 1.5", "deadlines.answer is a fraction"},
        RefusedCase{"InfinityForNumber", "[deadlines]\nanswer = inf", "deadlines.answer is a fraction"},
        RefusedCase{"TruthForNumber", "[totp]\nwindow = true", "totp.window is true or false"},
        RefusedCase{"DateForNumber", "[totp]\nwindow = 2026-11-22", "totp.window is a date or time"},
        RefusedCase{"ListForNumber", "[totp]\nwindow = [1]", "totp.window is a list"},
        RefusedCase{"SectionForNumber", "[totp.window]\n", "totp.window is a section"},
        RefusedCase{"NumberForSection", "limits = 5", "limits is a section: write [limits]"},
        RefusedCase{"ListOfSections", "[[limits]]\nconnections = 1", "limits is a section: write [limits]"},
        RefusedCase{"TextForList", "[listen]\ntls = '127.0.0.1:1'",
                    "listen.tls is a string: give a list of strings"},
        RefusedCase{"NumberInList", "[listen]\ntls = ['127.0.0.1:1', 2]",
                    "a.toml:2:23: listen.tls is an integer"},
        RefusedCase{"NumberForVersion", "[tls]\nminimum_version = 1.3",
                    "tls.minimum_version is a fraction: give \"1.3\" or \"1.2\""},
        RefusedCase{"TextForTruth", "[metrics]\nreasons = 'yes'",
                    "a.toml:2:11: metrics.reasons is a string: give true or false"},
        RefusedCase{"HugeNumber", "[limits]\nconnections = 99999999999999999999", "a.toml:2:"}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    Texts, Refused,
    testing::Values(
        RefusedCase{"EmptyName", "name = ''", "name is empty: give it a value, or leave the line out"},
        RefusedCase{"NameWithBlank", "name = 'a b'", "name \"a b\" is no host name"},
        RefusedCase{"NameWithControl", "name = \"a\\u001bb\"",
                    "name holds a character that is not printable"},
        RefusedCase{"NameWithNul", "name = \"a\\u0000b\"", "name holds a character that is not printable"},
        RefusedCase{"NameWithLineBreak", "name = \"a\\r\\n220\"",
                    "name holds a character that is not printable"},
        RefusedCase{"IssuerWithColon", "issuer = 'a:b'", "issuer \"a:b\" holds a colon"},
        RefusedCase{"IssuerBidirectional", "issuer = \"a\\u202eb\"",
                    "issuer holds a character that is not printable"},
        RefusedCase{"RelativeData", "data = 'here'", "data \"here\" is no absolute path"},
        RefusedCase{"RelativeBreachedPasswords", "[password]\nbreached_passwords = 'here'",
                    "password.breached_passwords \"here\" is no absolute path"},
        RefusedCase{"OldTls", "[tls]\nminimum_version = '1.1'",
                    "tls.minimum_version = \"1.1\" is not known: give \"1.3\" or \"1.2\""},
        RefusedCase{"LogFormat", "[log]\nformat = 'xml'", "give \"text\" or \"json\""},
        RefusedCase{"LogLevel", "[log]\nlevel = 'loud'",
                    "give \"debug\" or \"info\" or \"warning\" or \"error\""},
        RefusedCase{"EmptyChoice", "[log]\nlevel = ''", "log.level = \"\" is not known"},
        RefusedCase{"ControlInChoice", "[log]\nlevel = \"a\\u0007\"", "log.level = \"a\\x07\" is not known"},
        RefusedCase{"TlsByName", "[listen]\ntls = ['localhost:1']",
                    "a.toml:2:8: listen.tls \"localhost:1\" is no numeric address and port"},
        RefusedCase{"PlainOnNetwork", "[listen]\nplain = ['0.0.0.0:1']", "would send passwords in clear"},
        RefusedCase{"Confine", "[process]\nconfine = 'yes'", "give \"auto\" or \"off\" or \"required\""},
        RefusedCase{"UserWithBlank", "[process]\nuser = 'a b'", "process.user \"a b\" is no user's name"},
        RefusedCase{"UserByNumberOfNobody", "[process]\nuser = 1", "process.user is an integer"},
        RefusedCase{"MetricsOnNetwork", "[metrics]\nlisten = '0.0.0.0:9101'",
                    "metrics.listen \"0.0.0.0:9101\" is no numeric loopback address"},
        RefusedCase{"EmptyListener", "[listen]\ntls = ['']", "listen.tls is empty"}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    Web, Refused,
    testing::Values(
        RefusedCase{"ListenerByName", "[listen]\nweb = ['localhost:1']",
                    "a.toml:2:8: listen.web \"localhost:1\" is no numeric address and port"},
        RefusedCase{"UnixWithTls", "[listen]\nweb = ['unix:/a']", "move it to listen.web_plain"},
        RefusedCase{"PlainWebOnNetwork", "[listen]\nweb_plain = ['192.0.2.1:80']",
                    "or move it to listen.web"},
        RefusedCase{"PlainWebByName", "[listen]\nweb_plain = ['localhost:80']", "write \"127.0.0.1:8080\""},
        RefusedCase{"PlainWebRelative", "[listen]\nweb_plain = ['unix:a']", "is no absolute path"},
        RefusedCase{"WebNameWithControl", "[web]\nname = \"a\\u001bb\"", "web.name holds a character"},
        RefusedCase{"RelativeLogo", "[web]\nlogo = 'a.png'", "web.logo \"a.png\" is no absolute path"},
        RefusedCase{"LogoOfUnknownKind", "[web]\nlogo = '/a.html'",
                    "is to end in .png, .svg, .jpg, .jpeg or .webp"},
        RefusedCase{"AccentByName", "[web]\naccent = 'red'", "web.accent \"red\" is no colour"},
        RefusedCase{"ShortAccent", "[web]\naccent = '#abc'", "is no colour"},
        RefusedCase{"AccentWithMore", "[web]\naccent = '#abcde;'", "is no colour"},
        RefusedCase{"RegistrationAsText", "[web]\nopen_registration = 'yes'", "give true or false"},
        RefusedCase{"BackToHost", "[web]\nback_to = ['app.example.com']",
                    "web.back_to \"app.example.com\" is no origin"},
        RefusedCase{"BackToUrl", "[web]\nback_to = ['https://a.example/']", "is no origin"},
        RefusedCase{"BackInClear", "[web]\nback_to = ['http://a.example']", "http is for loopback only"},
        RefusedCase{"BackToUpperCase", "[web]\nback_to = ['https://A.example:443']",
                    "write \"https://a.example\""},
        RefusedCase{"ProxyByName", "[web]\nproxies = ['proxy.lan']",
                    "web.proxies \"proxy.lan\" is no address"},
        RefusedCase{"ProxyWithBits", "[web]\nproxies = ['10.0.0.1/8']", "bits behind its prefix"},
        RefusedCase{"ProxyEverybody", "[web]\nproxies = ['0.0.0.0/0']", "or everybody"},
        RefusedCase{"RuleWithoutHost", "[web]\n[[web.rule]]\npath = '/a'",
                    "a.toml:2:1: web.rule has no host"},
        RefusedCase{"RuleOfEmptyHost", "[[web.rule]]\nhost = ''", "web.rule.host is empty"},
        RefusedCase{"RuleWithPort", "[[web.rule]]\nhost = 'a.example:443'", "a.toml:2:8: web.rule.host"},
        RefusedCase{"RuleOfEverything", "[[web.rule]]\nhost = '*'", "is no host in lower case"},
        RefusedCase{"RuleOfRelativePath", "[[web.rule]]\nhost = 'a'\npath = 'b'",
                    "a.toml:3:8: web.rule.path"},
        RefusedCase{"RuleOfEncodedPath", "[[web.rule]]\nhost = 'a'\npath = '/%62'", "without %HH"},
        RefusedCase{"RuleForNobodysName", "[[web.rule]]\nhost = 'a'\nusers = ['a b']",
                    "can be nobody's name"},
        RefusedCase{"RuleRequire", "[[web.rule]]\nhost = 'a'\nrequire = 'no'",
                    "give \"login\" or \"nothing\" or \"refuse\""},
        RefusedCase{"RuleForUsersAndEverybody",
                    "[[web.rule]]\nhost = 'a'\nusers = ['b']\nrequire = 'nothing'",
                    "web.rule names users, and does not ask for a login"},
        RefusedCase{"RuleUnknownKey", "[[web.rule]]\nhots = 'a'",
                    "a.toml:2:1: web.rule.hots is not a setting: did you mean host?"},
        RefusedCase{"OneRuleAsSection", "[web.rule]\nhost = 'a'",
                    "web.rule is a section: write [[web.rule]]"},
        RefusedCase{"RuleAsText", "[web]\nrule = ['a']", "web.rule is a string: write [[web.rule]]"},
        RefusedCase{"TooManyRules",
                    [] {
                        std::string toml;
                        for (int i = 0; i < 257; ++i) toml += "[[web.rule]]\nhost = 'a'\n";
                        return toml;
                    }(),
                    "web.rule is there 257 times: 256 at most"}),
    kNameOf);

std::string many_listeners(int count)
{
    std::string toml = "[listen]\ntls = [";
    for (int i = 0; i < count; ++i) toml += "\n'127.0.0.1:0',";
    return toml + "]";
}

INSTANTIATE_TEST_SUITE_P(
    Together, Refused,
    testing::Values(
        RefusedCase{"CertificateAlone", "[tls]\ncertificate = '/a'",
                    "a.toml:2:15: tls.certificate and tls.key go together: give both, or neither"},
        RefusedCase{"KeyAlone", "[tls]\nkey = '/a'", "a.toml:2:7: tls.certificate and tls.key go together"},
        RefusedCase{"NoListener", "[listen]\ntls = []", "a.toml:2:7: there is nothing to listen on"},
        RefusedCase{"NoListenerAtAll", "[listen]\ntls = []\nplain = []", "there is nothing to listen on"},
        RefusedCase{"TooManyListeners", many_listeners(65), "listen.tls has 65 entries: give 64 at most"},
        RefusedCase{"FirstWaitLongest", "[waits]\nfirst = 20\nlongest = 10",
                    "a.toml:2:9: waits.first (20 s) is longer than waits.longest (10 s): set both"},
        RefusedCase{"IdleBeyondAbsolute", "[session]\nabsolute = 600",
                    "a.toml:2:12: session.idle (1800 s) is longer than session.absolute (600 s): set both"}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    NotToml, Refused,
    testing::Values(
        RefusedCase{"OpenQuote", "\nname = \"a\n", "a.toml:2:"},
        RefusedCase{"NoValue", "name =\n", "a.toml:1:"}, RefusedCase{"NoEquals", "name 'a'", "a.toml:1:"},
        RefusedCase{"Twice", "name = 'a'\nname = 'b'", "a.toml:2:"},
        RefusedCase{"SectionTwice", "[log]\n[log]", "a.toml:2:"},
        RefusedCase{"Nul", std::string("name = 'a'\n\0", 12), "a.toml:2:"},
        RefusedCase{"ControlShownSafely", "\x1b[2J = 1", "a.toml:1:"},
        RefusedCase{"NotUtf8", "name = 'a\xff'", "a.toml:1:"},
        RefusedCase{"ParserFault", "[[[[[[[[[[[[name = na =\rf-f", "a.toml:1:1: this is not TOML"},
        RefusedCase{"UnquotedLetter", "issuer = 'a'\nname = \u00e9", "a.toml:2:8: only letters of English"},
        RefusedCase{"Utf16", std::string("\xff\xfen\0a\0", 6), "a.toml:1:"},
        RefusedCase{"TooLarge", std::string(16385, '\n'), "a.toml:1:1: the file is larger than 16384 octets"},
        RefusedCase{"DeepList", "a = " + std::string(2000, '[') + std::string(2000, ']'), "a.toml:1:"},
        RefusedCase{"DeepTable",
                    [] {
                        std::string toml = "a";
                        for (int i = 0; i < 8000; ++i) toml += ".a";
                        return toml + "=1";
                    }(),
                    "a.toml:1:1: a is not a setting"}),
    kNameOf);

TEST(ParseSettings, TheFilesNameIsShownSafely)
{
    EXPECT_THAT(refusal_of([] { return parse_settings("a", "bad\x1b\nname"); }),
                StartsWith("bad\\x1b\\x0aname:1:"));
}

// ---- the file ----

class ReadSettings : public testing::Test {
  protected:
    std::filesystem::path write(std::string_view content, mode_t mode)
    {
        const auto file = directory_ / "securelogind.toml";
        std::ofstream(file) << content;
        EXPECT_EQ(::chmod(file.c_str(), mode), 0);
        return file;
    }
    [[nodiscard]] static std::string refusal(const std::filesystem::path& file)
    {
        return refusal_of([&] { return read_settings(file); });
    }

    support::TemporaryDirectory directory_;
};

TEST_F(ReadSettings, ReadsWhatOthersMayReadAndNotWrite)
{
    for (const mode_t mode : {0400U, 0600U, 0640U, 0644U}) {
        EXPECT_EQ(read_settings(write("issuer = 'x'", mode)).issuer, "x") << std::oct << mode;
        std::filesystem::remove(directory_ / "securelogind.toml");
    }
}

TEST_F(ReadSettings, FollowsASymbolicLink)
{
    const auto link = directory_ / "link";
    std::filesystem::create_symlink(write("issuer = 'x'", 0644), link);
    EXPECT_EQ(read_settings(link).issuer, "x");
}

TEST_F(ReadSettings, RefusesWhatOthersMayWrite)
{
    for (const mode_t mode : {0620U, 0602U, 0666U, 0777U}) {
        const auto file = write("", mode);
        EXPECT_THAT(refusal(file), HasSubstr("lets others change the settings: chmod go-w " + file.string()));
    }
}

TEST_F(ReadSettings, RefusesWhatBelongsToAnother)
{
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to give a file away";
    const auto file = write("", 0644);
    ASSERT_EQ(::chown(file.c_str(), 65534, 65534), 0);
    EXPECT_THAT(refusal(file), HasSubstr("belong to another user (uid 65534): chown root " + file.string()));
}

TEST_F(ReadSettings, RefusesWhatIsNoRegularFile)
{
    EXPECT_THAT(refusal(directory_.path()), HasSubstr("not a regular file: name another with --config"));
    const auto fifo = directory_ / "fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    EXPECT_THAT(refusal(fifo), HasSubstr("not a regular file")) << "and does not wait for a writer";
}

TEST_F(ReadSettings, AFileThatWasNamedHasToBeThere)
{
    const auto file = directory_ / "none.toml";
    EXPECT_EQ(
        refusal(file),
        file.string() + ": reading the settings: No such file or directory: name another file with --config");
}

TEST_F(ReadSettings, AnErrorNamesTheFile)
{
    const auto file = write("\nnmae = 'x'", 0644);
    EXPECT_EQ(refusal(file), file.string() + ":2:1: nmae is not a setting: did you mean name?");
}

TEST_F(ReadSettings, AFileThatIsTooLargeIsNotReadToItsEnd)
{
    EXPECT_THAT(refusal(write(std::string(200000, '\n'), 0644)), HasSubstr("larger than 16384 octets"));
}

}  // namespace
}  // namespace securelogin
