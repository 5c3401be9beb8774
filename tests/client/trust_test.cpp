#include "client/trust.hpp"

#include <gmock/gmock.h>

#include "client/known_hosts.hpp"
#include "fakes.hpp"
#include "temporary_directory.hpp"

namespace securelogin::client {
namespace {

using testing::HasSubstr;

const std::string kOffered = "SHA256:" + std::string(42, 'A') + "A";
const std::string kOther = "SHA256:" + std::string(42, 'B') + "A";

enum class Remembered { nothing, offered, other, both };

struct Row {
    const char* name;
    Remembered before;
    std::optional<std::string> pin;
    bool by_ca;
    bool accept_new;
    std::optional<std::vector<std::string>> person;  // what is typed; nothing: no terminal
    bool trusted;
    bool remembered_after;  // whether the offered key stands in known_hosts
    const char* says;
};

class Trust : public testing::TestWithParam<Row> {
  protected:
    void SetUp() override
    {
        const auto before = GetParam().before;
        std::string text;
        if (before == Remembered::other || before == Remembered::both) text += "a:9999 " + kOther + "\n";
        if (before == Remembered::offered || before == Remembered::both) text += "a:9999 " + kOffered + "\n";
        if (before != Remembered::nothing) write_file(file_, text);
    }

    AskPerson person()
    {
        if (!GetParam().person) return {};
        return [typed = std::vector<std::string>(GetParam().person->rbegin(), GetParam().person->rend())](
                   std::string_view) mutable -> std::optional<std::string> {
            if (typed.empty()) return std::nullopt;
            auto line = typed.back();
            typed.pop_back();
            return line;
        };
    }

    TemporaryDirectory directory_;
    std::filesystem::path file_ = directory_.path() / "securelogin" / "known_hosts";
    Shown shown_;
};

TEST_P(Trust, IsSettled)
{
    const auto& row = GetParam();
    auto display = shown_.display(row.person.has_value());
    const TrustPolicy policy{
        .fingerprint = row.pin, .by_ca = row.by_ca, .accept_new = row.accept_new, .known_hosts = file_};
    const auto failure =
        failure_of([&] { settle_trust(parse_destination("u@a"), kOffered, policy, person(), display); });
    EXPECT_EQ(!failure.has_value(), row.trusted);
    if (failure) {
        EXPECT_EQ(failure->first, ExitCode::not_trusted);
        shown_.words += failure->second;
        EXPECT_THAT(failure->second, HasSubstr("nothing was sent"));
    }
    EXPECT_THAT(shown_.words, HasSubstr(row.says));
    EXPECT_EQ(contents(file_).find(kOffered) != std::string::npos, row.remembered_after);
}

using Typed = std::vector<std::string>;
constexpr auto kNoTerminal = std::nullopt;

INSTANTIATE_TEST_SUITE_P(
    Trust, Trust,
    testing::Values(
        //  name                     before               pin       ca     accept person         trusted
        //  remembered says
        Row{"Known", Remembered::offered, {}, false, false, kNoTerminal, true, true, ""},
        Row{"KnownWithTwoKeys", Remembered::both, {}, false, false, kNoTerminal, true, true, ""},
        Row{"PersonSaysYes", Remembered::nothing, {}, false, false, Typed{"yes"}, true, true, "SHA256:AAA"},
        Row{"PersonTypesTheFingerprint",
            Remembered::nothing,
            {},
            false,
            false,
            Typed{kOffered},
            true,
            true,
            "Remembered"},
        Row{"PersonTypesItPadded",
            Remembered::nothing,
            {},
            false,
            false,
            Typed{kOffered + "="},
            true,
            true,
            "Remembered"},
        Row{"PersonSaysYesTheThirdTime",
            Remembered::nothing,
            {},
            false,
            false,
            Typed{"y", "YES", "yes"},
            true,
            true,
            ""},
        Row{"AcceptNew", Remembered::nothing, {}, false, true, kNoTerminal, true, true, ""},
        Row{"AcceptNewAsksNoPerson", Remembered::nothing, {}, false, true, Typed{}, true, true, ""},
        Row{"Pinned", Remembered::nothing, kOffered, false, false, kNoTerminal, true, false, ""},
        Row{"PinnedOverAnotherThatIsKnown", Remembered::other, kOffered, false, false, kNoTerminal, true,
            false, ""},
        Row{"ByCa", Remembered::nothing, {}, true, false, kNoTerminal, true, false, ""},
        Row{"ByCaOverAnotherThatIsKnown", Remembered::other, {}, true, false, kNoTerminal, true, false, ""},

        Row{"UnknownWithoutTerminal",
            Remembered::nothing,
            {},
            false,
            false,
            kNoTerminal,
            false,
            false,
            "--accept-new"},
        Row{"UnknownWithoutTerminalTellsTheKey",
            Remembered::nothing,
            {},
            false,
            false,
            kNoTerminal,
            false,
            false,
            "SHA256:AAA"},
        Row{"PersonSaysNo", Remembered::nothing, {}, false, false, Typed{"no"}, false, false, "not accepted"},
        Row{"PersonSaysNothing",
            Remembered::nothing,
            {},
            false,
            false,
            Typed{"", "", ""},
            false,
            false,
            "not accepted"},
        Row{"PersonSaysYOnly",
            Remembered::nothing,
            {},
            false,
            false,
            Typed{"y", "y", "y"},
            false,
            false,
            "not accepted"},
        Row{"PersonLeaves", Remembered::nothing, {}, false, false, Typed{}, false, false, "not accepted"},
        Row{"PersonTypesAnotherFingerprint",
            Remembered::nothing,
            {},
            false,
            false,
            Typed{kOther, "yes"},
            false,
            false,
            "not accepted"},
        Row{"ChangedWithoutTerminal",
            Remembered::other,
            {},
            false,
            false,
            kNoTerminal,
            false,
            false,
            "HAS CHANGED"},
        Row{"ChangedTellsTheOldKey",
            Remembered::other,
            {},
            false,
            false,
            kNoTerminal,
            false,
            false,
            "SHA256:BBB"},
        Row{"ChangedTellsTheNewKey",
            Remembered::other,
            {},
            false,
            false,
            kNoTerminal,
            false,
            false,
            "SHA256:AAA"},
        Row{"ChangedTellsHowToForget",
            Remembered::other,
            {},
            false,
            false,
            kNoTerminal,
            false,
            false,
            "sed -i 1d '/"},
        Row{"ChangedAsksNoPerson",
            Remembered::other,
            {},
            false,
            false,
            Typed{"yes"},
            false,
            false,
            "HAS CHANGED"},
        Row{"ChangedIsNotNew", Remembered::other, {}, false, true, kNoTerminal, false, false, "HAS CHANGED"},
        Row{"PinnedToAnother", Remembered::nothing, kOther, false, false, kNoTerminal, false, false,
            "--fingerprint"},
        Row{"PinnedToAnotherThanIsKnown", Remembered::offered, kOther, false, false, Typed{"yes"}, false,
            true, "--fingerprint"},
        Row{"PinnedToAnotherWithCa", Remembered::nothing, kOther, true, false, kNoTerminal, false, false,
            "--fingerprint"}),
    [](const auto& row) { return row.param.name; });

TEST(TrustOnce, WhereNothingCanBeRememberedItIsSaid)
{
    const TemporaryDirectory directory;
    std::filesystem::create_symlink("nowhere", directory.path() / "dangling");
    const TrustPolicy policy{.accept_new = true,
                             .known_hosts = directory.path() / "dangling" / "known_hosts"};
    Shown shown;
    auto display = shown.display(false);
    settle_trust(parse_destination("a"), kOffered, policy, {}, display);
    EXPECT_THAT(shown.words, HasSubstr("you will be asked again"));
}

}  // namespace
}  // namespace securelogin::client
