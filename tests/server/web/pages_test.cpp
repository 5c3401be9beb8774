#include "server/web/pages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>

#include "common/base64.hpp"
#include "common/qr_code.hpp"
#include "server/web/colour.hpp"
#include "tests/server/web/sample_views.hpp"

namespace securelogin::web {
namespace {

using testing::HasSubstr;
using testing::Not;
using Fields = std::set<std::string>;

/// What breaks out of an element, an attribute, a template and a script.
constexpr const char* kHostile = "zq\"'><script>alert(1)</script><img src=x onerror=y>&{{csrf}}{{{csrf}}}";

std::vector<std::string> all_of(const std::string& text, const std::string& pattern)
{
    const std::regex regex(pattern);
    std::vector<std::string> found;
    for (std::sregex_iterator match(text.begin(), text.end(), regex), end; match != end; ++match)
        found.push_back(match->str(match->size() - 1));
    return found;
}

/// The fields of each form, by where it is posted to.
std::map<std::string, Fields> forms_of(const std::string& html)
{
    std::map<std::string, Fields> forms;
    for (std::size_t at = html.find("<form"); at != std::string::npos; at = html.find("<form", at + 1)) {
        const auto form = html.substr(at, html.find("</form>", at) - at);
        EXPECT_THAT(form, HasSubstr(R"(method="post")"));
        const auto names = all_of(form, " name=\"([^\"]*)\"");
        const auto action = all_of(form, " action=\"([^\"]*)\"").at(0);
        EXPECT_FALSE(forms.contains(action)) << action;
        forms[action] = Fields(names.begin(), names.end());
    }
    return forms;
}

/// Every page, with `text` wherever a page can be told something.
std::map<std::string, std::string> pages_that_say(const std::string& text)
{
    const Pages pages({.name = text});
    auto notice = samples::problem(text);
    notice.go_on = text;
    const SessionRow session{text, text, text, text, text, true, true};
    const DeviceRow device{text, text, text, text, true};
    AccountView account{text, text, text, text, false, 3, {session, session}, 2, {device}, {}, notice};
    auto must_change = account;
    must_change.must_change = true;
    return {{"login", pages.login({text, text, text, true, notice})},
            {"invited", pages.registration({text, false, text, text, notice})},
            {"open", pages.registration({text, true, text, text, notice})},
            {"proof", pages.proof({text, text, text, text, text, false, notice})},
            {"new key", pages.proof({text, text, text, text, text, true, notice})},
            {"recovery codes", pages.recovery_codes({text, {text, text}, true})},
            {"account", pages.account(account)},
            {"must change", pages.account(must_change)},
            {"logout", pages.logout({text, text})},
            {"message", pages.message({text, text, text, text})}};
}

class Everywhere : public testing::TestWithParam<std::string> {
  protected:
    const std::string html_ = pages_that_say("text").at(GetParam());
    const std::string hostile_ = pages_that_say(kHostile).at(GetParam());
};

TEST_P(Everywhere, TextIsText)
{
    // The one script is the layout's own, the one picture that of the key; the rest is spelt out.
    EXPECT_THAT(all_of(hostile_, "<(script)"), testing::SizeIs(1));
    EXPECT_THAT(hostile_, Not(HasSubstr("<img src=x")));
    EXPECT_THAT(hostile_, Not(HasSubstr("zq\"")));
    EXPECT_THAT(hostile_, Not(HasSubstr("zq'")));
    EXPECT_THAT(hostile_, HasSubstr("zq&quot;&apos;&gt;&lt;script&gt;"));
    // Nor is it taken for a template, which would show a form's secret elsewhere.
    EXPECT_THAT(hostile_, HasSubstr("&amp;{{csrf}}{{{csrf}}}"));
}

TEST_P(Everywhere, NothingNeedsALaxerContentPolicy)
{
    EXPECT_THAT(all_of(html_, "<(style|base|iframe|object|embed)"), testing::IsEmpty());
    EXPECT_THAT(
        all_of(html_, "<script( [^>]*)?>"),
        testing::ElementsAre(testing::MatchesRegex(" src=\"/assets/script.js[?]v=[0-9a-f]{16}\" defer")));
    EXPECT_THAT(all_of(html_, "[\\s\"](style|on[a-z]+)="), testing::IsEmpty());
    EXPECT_THAT(html_, Not(HasSubstr("javascript:")));
    EXPECT_THAT(html_, Not(HasSubstr("//text")));
}

TEST(Versions, AreAnotherForEachContent)
{
    EXPECT_EQ(version_of(""), "cbf29ce484222325");  // the test vectors of FNV-1a
    EXPECT_EQ(version_of("foobar"), "85944171f73967e8");
    const Pages blue({.accent = "#2f5bd7"});
    const Pages red({.accent = "#d72f2f"});
    EXPECT_NE(blue.style().version, red.style().version);
    EXPECT_EQ(blue.script().version, red.script().version);
    EXPECT_THAT(red.logout(samples::logout()),
                HasSubstr("/assets/style.css?v=" + std::string(red.style().version)));
}

TEST_P(Everywhere, NoTemplateIsLeftOver)
{
    EXPECT_THAT(html_, Not(HasSubstr("{{")));
    EXPECT_THAT(html_, Not(HasSubstr("}}")));
}

TEST_P(Everywhere, EachFormCarriesItsSecretAndIsPosted)
{
    for (const auto& [action, fields] : forms_of(html_)) EXPECT_TRUE(fields.contains("csrf")) << action;
    EXPECT_EQ(all_of(html_, "<(form)").size(), all_of(html_, R"((name="csrf" value="text">))").size());
}

TEST_P(Everywhere, IdsAreUniqueAndWhatRefersToThemIsRight)
{
    const auto ids = all_of(html_, " id=\"([^\"]*)\"");
    const std::set<std::string> known(ids.begin(), ids.end());
    EXPECT_EQ(ids.size(), known.size());
    for (const auto& names :
         all_of(html_, " (for|aria-describedby|aria-labelledby|data-same)=\"([^\"]*)\"")) {
        std::istringstream words(names);
        for (std::string id; words >> id;) EXPECT_TRUE(known.contains(id)) << id;
    }
}

INSTANTIATE_TEST_SUITE_P(Pages, Everywhere,
                         testing::Values("login", "invited", "open", "proof", "new key", "recovery codes",
                                         "account", "must change", "logout", "message"),
                         [](const auto& row) {
                             auto name = row.param;
                             std::erase(name, ' ');
                             return name;
                         });

struct FormCase {
    std::string name;
    std::string html;
    std::map<std::string, Fields> forms;
};

class PostedFields : public testing::TestWithParam<FormCase> {};

TEST_P(PostedFields, AreThoseOfTheContract) { EXPECT_EQ(forms_of(GetParam().html), GetParam().forms); }

const Pages& plain()
{
    static const Pages pages({});
    return pages;
}

INSTANTIATE_TEST_SUITE_P(
    Pages, PostedFields,
    testing::Values(
        FormCase{"Login",
                 plain().login(samples::login()),
                 {{"/login", {"csrf", "back", "username", "password", "code"}}}},
        FormCase{"Invited",
                 plain().registration(samples::invited()),
                 {{"/register", {"csrf", "invitation", "password", "password_again"}}}},
        FormCase{"Open",
                 plain().registration(samples::stranger()),
                 {{"/register", {"csrf", "invitation", "username", "password", "password_again"}}}},
        FormCase{
            "Proof", plain().proof(samples::proof()), {{"/register/prove", {"csrf", "enrolment", "code"}}}},
        FormCase{"NewKey",
                 plain().proof(samples::new_key()),
                 {{"/account/totp/prove", {"csrf", "enrolment", "code"}}}},
        FormCase{"RecoveryCodes", plain().recovery_codes(samples::recovery_codes()), {}},
        FormCase{"Account",
                 plain().account(samples::account()),
                 {{"/account/sessions/end", {"csrf", "session", "password", "code"}},
                  {"/account/devices/forget", {"csrf", "device", "password", "code"}},
                  {"/account/password",
                   {"csrf", "username", "password", "code", "new_password", "new_password_again"}},
                  {"/account/totp", {"csrf", "password", "code"}},
                  {"/account/recovery-codes", {"csrf", "password", "code"}},
                  {"/logout", {"csrf"}}}},
        FormCase{"MustChange",
                 plain().account(samples::must_change()),
                 {{"/account/password", {"csrf", "username", "new_password", "new_password_again"}},
                  {"/logout", {"csrf"}}}},
        FormCase{"Logout", plain().logout(samples::logout()), {{"/logout", {"csrf"}}}},
        FormCase{"Message", plain().message(samples::logged_out()), {}}),
    [](const auto& row) { return row.param.name; });

TEST(LoginPage, KeepsTheNameAndNeverAPassword)
{
    const auto html = plain().login(samples::login());
    EXPECT_THAT(html, HasSubstr(R"(name="username" value="alice")"));
    EXPECT_THAT(html, HasSubstr(R"(name="back" value="https://wiki.example.org/start")"));
    for (const auto& input : all_of(html, "(<input[^>]*type=\"password\"[^>]*>)"))
        EXPECT_THAT(input, Not(HasSubstr("value="))) << input;
}

TEST(LoginPage, OffersAnAccountOnlyWhereThereIsOneToHave)
{
    auto view = samples::login();
    EXPECT_THAT(plain().login(view), HasSubstr(R"(href="/register")"));
    view.can_register = false;
    EXPECT_THAT(plain().login(view), Not(HasSubstr("/register")));
}

TEST(LoginPage, FitsPasswordManagersAndRecoveryCodes)
{
    const auto html = plain().login(samples::login());
    EXPECT_THAT(html, HasSubstr(R"(autocomplete="username")"));
    EXPECT_THAT(html, HasSubstr(R"(autocomplete="current-password")"));
    EXPECT_THAT(html, HasSubstr(R"(autocomplete="one-time-code")"));
    EXPECT_THAT(html, Not(HasSubstr("maxlength")));
}

TEST(Notices, ProblemsComeFirstInTheTitleAndAreAlerts)
{
    auto view = samples::login();
    EXPECT_THAT(plain().login(view), HasSubstr("<title>Log in · SecureLogin</title>"));
    EXPECT_THAT(plain().login(view), Not(HasSubstr("notice")));
    view.notice = samples::problem("No.");
    EXPECT_THAT(plain().login(view), HasSubstr("<title>Problem: Log in · SecureLogin</title>"));
    EXPECT_THAT(plain().login(view), HasSubstr(R"(role="alert">No.</p>)"));
    view.notice = samples::done("Yes.");
    EXPECT_THAT(plain().login(view), HasSubstr("<title>Log in · SecureLogin</title>"));
    EXPECT_THAT(plain().login(view), HasSubstr(R"(role="status">Yes.</p>)"));
}

TEST(RegistrationPage, CarriesTheInvitation)
{
    EXPECT_THAT(plain().registration(samples::invited()),
                HasSubstr(R"(name="invitation" value="7K3M-9QXT-2FHW-LD5R")"));
}

TEST(ProofPage, ShowsTheKeyAsAPictureAndInGroupsOfFour)
{
    const auto html = plain().proof(samples::proof());
    const auto picture = from_base64(all_of(html, "data:image/png;base64,([^\"]*)\"").at(0));
    ASSERT_TRUE(picture);
    const auto drawn = png_picture(QrCode::of(Secret::copy_of(samples::kUri)));
    EXPECT_TRUE(picture->view() == drawn.view());
    EXPECT_THAT(html, HasSubstr("JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP</code>"));
}

TEST(ProofPage, LinksToNothingButAKey)
{
    auto view = samples::proof();
    EXPECT_THAT(plain().proof(view), HasSubstr(R"(href="otpauth://totp/)"));
    view.uri = "javascript:alert(1)";
    EXPECT_THAT(plain().proof(view), Not(HasSubstr("javascript:")));
}

TEST(RecoveryCodesPage, ShowsEachOnce)
{
    const auto html = plain().recovery_codes(samples::recovery_codes());
    EXPECT_THAT(all_of(html, "<li><code>([^<]*)</code></li>"),
                testing::ElementsAreArray(samples::recovery_codes().codes));
}

TEST(AccountPage, ShowsTimesInWords)
{
    const auto html = plain().account(samples::account());
    EXPECT_THAT(
        html,
        HasSubstr(R"(<time datetime="2026-05-04T19:40:12Z">4 May 2026, 19:40 UTC</time>, from 192.0.2.17)"));
    EXPECT_THAT(html, HasSubstr(R"(<time datetime="2026-05-05T22:01:30Z">5 May 2026, 22:01 UTC</time>)"));
}

TEST(AccountPage, MarksWhatIsItsOwnAndWhatHasAToken)
{
    const auto html = plain().account(samples::account());
    EXPECT_EQ(all_of(html, "(This one</span>)").size(), 2U);  // a session and a device
    EXPECT_EQ(all_of(html, "(Has a\\s+token)").size(), 1U);
    EXPECT_LT(html.find("2001:db8:8d3:13ff:aa::7"), html.find("Has a"));
}

TEST(AccountPage, OffersToEndAllWhereThereAreOthers)
{
    auto view = samples::account();
    EXPECT_THAT(plain().account(view), HasSubstr(R"(name="session" value="all")"));
    view.sessions.resize(1);
    EXPECT_THAT(plain().account(view), Not(HasSubstr(R"(value="all")")));
}

TEST(AccountPage, CountsTheSessionsThatItDoesNotList)
{
    auto view = samples::account();
    EXPECT_THAT(plain().account(view), Not(HasSubstr(" more, ")));
    view.more_sessions = 17;
    EXPECT_THAT(plain().account(view), HasSubstr("And 17 more, used less lately."));
}

TEST(AccountPage, UnfoldsTheFormThatTheNoticeIsAbout)
{
    auto view = samples::account();
    EXPECT_THAT(plain().account(view), Not(HasSubstr(" open>")));
    view.open = AccountView::Form::totp;
    const auto html = plain().account(view);
    EXPECT_EQ(all_of(html, "(<details open>)").size(), 1U);
    EXPECT_THAT(html, HasSubstr("<details open>\n<summary>Set up another"));
}

TEST(AccountPage, CountsRecoveryCodesWhereItIsKnown)
{
    auto view = samples::account();
    view.recovery_codes_left = 0;
    EXPECT_THAT(plain().account(view), HasSubstr("0 left"));
    view.recovery_codes_left = -1;
    EXPECT_THAT(plain().account(view), Not(HasSubstr(" left<")));
}

TEST(MessagePage, HasALinkWhereThereIsOne)
{
    EXPECT_THAT(plain().message(samples::logged_out()), HasSubstr(R"(href="/login">Log in again</a>)"));
    EXPECT_THAT(plain().message({"No", "Nothing here.", "", ""}), Not(HasSubstr("class=\"button\"")));
}

TEST(FirstLoad, IsSmall)
{
    constexpr std::size_t kMost = std::size_t{50 - 32} * 1024;  // a logo may have 32 KiB
    EXPECT_LT(plain().login(samples::login()).size() + plain().style().octets.size() +
                  plain().script().octets.size(),
              kMost);
}

TEST(Brand, IsOnEveryPage)
{
    const Pages pages({.name = "Example & Sons", .has_logo = true});
    EXPECT_THAT(pages.logout(samples::logout()), HasSubstr("Log out? · Example &amp; Sons</title>"));
    EXPECT_THAT(pages.logout(samples::logout()), HasSubstr(R"(src="/assets/logo?v=)"));
    EXPECT_THAT(plain().logout(samples::logout()), Not(HasSubstr("/assets/logo")));
}

TEST(Brand, AnyAccentReadsInTheLightAndInTheDark)
{
    const std::map<std::string, Colour> papers{{"light", {0xff, 0xff, 0xff}}, {"dark", {0x17, 0x1b, 0x21}}};
    for (const std::string accent :
         {"#ffffff", "#000000", "#ffd000", "#2f5bd7", "#808080", "#FF0000", "#00ff00"}) {
        const std::string style(Pages({.accent = accent}).style().octets);
        const auto colours = [&](const std::string& name) {
            return all_of(style, "--" + name + ":(#[0-9a-f]{6})");
        };
        ASSERT_EQ(colours("fill").size(), 2U);  // in the light, and in the dark
        for (std::size_t i = 0; i < 2; ++i) {
            const auto ink = *Colour::parse(colours("on-fill").at(i));
            EXPECT_GE(contrast(ink, *Colour::parse(colours("fill").at(i))), 4.5) << accent;
            EXPECT_GE(contrast(ink, *Colour::parse(colours("fill-hover").at(i))), 4.5) << accent;
            const auto paper = papers.at(i == 0 ? "light" : "dark");
            EXPECT_GE(contrast(*Colour::parse(colours("link").at(i)), paper), 4.5) << accent;
        }
    }
}

TEST(Brand, WhatIsNoColourIsRefused)
{
    for (const std::string accent : {"", "red", "#fff", "#ffffff}body{display:none"})
        EXPECT_THROW((void)Pages({.accent = accent}), std::invalid_argument) << accent;
}

}  // namespace
}  // namespace securelogin::web
