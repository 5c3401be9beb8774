#include "server/web/pages.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <kainjow/mustache.hpp>
#include <stdexcept>
#include <utility>
#include <vector>

#include "common/base64.hpp"
#include "common/qr_code.hpp"
#include "page_texts.hpp"
#include "server/web/colour.hpp"
#include "server/web/page_templates.hpp"
#include "server/web/time_in_words.hpp"

namespace securelogin::web {
namespace {

using Data = kainjow::mustache::data;

constexpr double kReadable = 4.5;  // WCAG 2.2, 1.4.3 (AA): text of any size

/// The paper that links are on, as style.css has it (--page, the worse of its two).
constexpr Colour kLightPaper{0xf4, 0xf5, 0xf7};
constexpr Colour kDarkPaper{0x17, 0x1b, 0x21};
constexpr int kPressed = 14;  // hundredths that a button's colour moves under the pointer

constexpr int kQrQuietZone = 8;  // modules on both sides together, as png_picture has it
constexpr int kQrPixelsAModule =
    4;  // on the page, where the picture's own are halved: sharp on dense screens
constexpr std::size_t kKeyGroup = 4;  // characters

/// The accent on one kind of paper.  Under the pointer a button moves away from what is written on it, so
/// that it never reads worse.
std::string accents(Colour fill, Colour paper)
{
    const auto ink = ink_on(fill);
    const auto link = readable_on(paper, fill, kReadable);
    const auto pressed = mixed(fill, ink == kWhite ? kBlack : kWhite, kPressed);
    return fmt::format(":root{{--fill:{};--fill-hover:{};--on-fill:{};--edge-fill:{};--link:{}}}",
                       fill.text(), pressed.text(), ink.text(), link.text(), link.text());
}

std::string style_of(const Branding& branding)
{
    const auto accent = Colour::parse(branding.accent);
    if (!accent)
        throw std::invalid_argument("an accent colour is written as #rrggbb, not " + branding.accent);
    const auto in_the_dark = readable_on(kDarkPaper, *accent, kReadable);
    return fmt::format("{}\n@media (prefers-color-scheme: dark){{{}}}\n{}", accents(*accent, kLightPaper),
                       accents(in_the_dark, kDarkPaper), texts::kStyle);
}

Data text(std::string_view value) { return Data(std::string(value)); }

Data flag(bool value) { return Data(value); }

Data moment(std::string_view time)
{
    const auto words = time_in_words(time);
    Data data;
    data.set("is_time", flag(words.has_value()));
    data.set("iso", text(time));
    data.set("words", text(words ? *words : time));
    return data;
}

Data form(std::string_view prefix, bool open)
{
    Data data;
    data.set("prefix", text(prefix));
    data.set("open", flag(open));
    return data;
}

void set_notice(Data& data, const std::optional<Notice>& notice)
{
    const bool problem = notice && notice->kind == Notice::Kind::problem;
    data.set("problem", flag(problem));
    data.set("done", flag(notice && !problem));
    data.set("problem_text", text(notice ? notice->text : ""));
    data.set("leads_on", flag(notice && !notice->go_on.empty()));
    data.set("go_on", text(notice ? notice->go_on : ""));
    data.set("done_text", text(notice ? notice->text : ""));
}

/// A page: the layout, with `body` in it.  All that is in `data` is escaped: no template asks for less.
std::string page(const Pages::Look& look, std::string_view title, std::string_view body, Data data)
{
    data.set("site", text(look.branding.name));
    data.set("has_logo", flag(look.branding.has_logo));
    data.set("logo_version", text(look.branding.logo_version));
    data.set("style_version", text(look.style_version));
    data.set("script_version", text(look.script_version));
    data.set("title", text(title));
    auto& layout = template_of(body);
    auto html = layout.render(data);
    if (!layout.is_valid()) throw std::logic_error("a page's template: " + layout.error_message());
    return html;
}

std::string in_groups(std::string_view key)
{
    std::string grouped;
    for (std::size_t at = 0; at < key.size(); at += kKeyGroup) {
        if (at > 0) grouped += ' ';
        grouped += key.substr(at, kKeyGroup);
    }
    return grouped;
}

void draw(Data& data, std::string_view uri)
{
    const auto code = QrCode::of(Secret::copy_of(uri));
    data.set("picture", text(to_base64(png_picture(code).bytes())));
    data.set("side", text(std::to_string((code.size() + kQrQuietZone) * kQrPixelsAModule)));
}

Data row_of(const SessionRow& session)
{
    Data data;
    data.set("id", text(session.id));
    data.set("source", text(session.source));
    data.set("own", flag(session.own));
    data.set("token", flag(session.token));
    data.set("opened", moment(session.opened));
    data.set("last_used", moment(session.last_used));
    data.set("expires", moment(session.expires));
    return data;
}

Data row_of(const DeviceRow& device)
{
    Data data;
    data.set("id", text(device.id));
    data.set("source", text(device.source));
    data.set("own", flag(device.own));
    data.set("first_seen", moment(device.first_seen));
    data.set("last_seen", moment(device.last_seen));
    return data;
}

template <typename Row>
Data rows_of(const std::vector<Row>& rows)
{
    Data list(Data::type::list);
    for (const auto& row : rows) list.push_back(row_of(row));
    return list;
}

void set_forms(Data& data, AccountView::Form open)
{
    using Form = AccountView::Form;
    data.set("at_sessions", form("sessions", open == Form::sessions));
    data.set("at_devices", form("devices", open == Form::devices));
    data.set("at_password", form("password", open == Form::password));
    data.set("at_totp", form("totp", open == Form::totp));
    data.set("at_recovery_codes", form("recovery", open == Form::recovery_codes));
}

}  // namespace

/// FNV-1a, 64 bits.
std::string version_of(std::string_view octets)
{
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : octets) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return fmt::format("{:016x}", hash);
}

Pages::Pages(Branding branding)
    : look_{.branding = std::move(branding), .style = {}, .style_version = {}, .script_version = {}}
{
    look_.style = style_of(look_.branding);
    look_.style_version = version_of(look_.style);
    look_.script_version = version_of(texts::kScript);
}

Asset Pages::script() const noexcept { return {texts::kScript, look_.script_version}; }

std::string Pages::login(const LoginView& view) const
{
    Data data;
    data.set("csrf", text(view.csrf));
    data.set("name", text(view.name));
    data.set("named", flag(!view.name.empty()));
    data.set("back", text(view.back));
    data.set("can_register", flag(view.can_register));
    set_notice(data, view.notice);
    return page(look_, "Log in", texts::kLogin, std::move(data));
}

std::string Pages::registration(const RegisterView& view) const
{
    Data data = form("register", view.open);
    data.set("csrf", text(view.csrf));
    data.set("field", text("password"));
    data.set("invitation", text(view.invitation));
    data.set("name", text(view.name));
    set_notice(data, view.notice);
    return page(look_, "Create your account", texts::kRegistration, std::move(data));
}

std::string Pages::proof(const ProofView& view) const
{
    Data data;
    data.set("csrf", text(view.csrf));
    data.set("enrolment", text(view.enrolment));
    data.set("user", text(view.user));
    data.set("uri", text(view.uri));
    // As a link it has to be what it says that it is.
    data.set("here", flag(view.uri.starts_with("otpauth://")));
    data.set("secret", text(view.secret));
    data.set("grouped", text(in_groups(view.secret)));
    data.set("replaces", flag(view.replaces));
    draw(data, view.uri);
    set_notice(data, view.notice);
    return page(look_, "Set up your authenticator app", texts::kProof, std::move(data));
}

std::string Pages::recovery_codes(const RecoveryCodesView& view) const
{
    Data codes(Data::type::list);
    std::string all;
    for (const auto& code : view.codes) {
        codes.push_back(text(code));
        all += code + '\n';
    }
    Data data;
    data.set("user", text(view.user));
    data.set("codes", codes);
    data.set("all", text(all));
    data.set("enrolled", flag(view.enrolled));
    set_notice(data, std::nullopt);
    return page(look_, "Your recovery codes", texts::kRecoveryCodes, std::move(data));
}

std::string Pages::account(const AccountView& view) const
{
    // A section without rows of its own would show those of the page around it: all is set, always.
    Data data = form("password", false);
    data.set("csrf", text(view.csrf));
    data.set("user", text(view.user));
    data.set("field", text("new_password"));
    data.set("wide", flag(true));
    data.set("must_change", flag(view.must_change));
    data.set("has_last_login", flag(!view.last_login.empty()));
    data.set("last_login", moment(view.last_login));
    data.set("has_source", flag(!view.last_login_source.empty()));
    data.set("last_login_source", text(view.last_login_source));
    data.set("sessions", rows_of(view.sessions));
    data.set("several", flag(view.sessions.size() > 1));
    data.set("has_more", flag(view.more_sessions > 0));
    data.set("more", text(std::to_string(view.more_sessions)));
    data.set("devices", rows_of(view.devices));
    data.set("has_devices", flag(!view.devices.empty()));
    data.set("told", flag(view.recovery_codes_left >= 0));
    data.set("left", text(std::to_string(view.recovery_codes_left)));
    set_forms(data, view.open);
    set_notice(data, view.notice);
    return page(look_, "Your account", texts::kAccount, std::move(data));
}

std::string Pages::logout(const LogoutView& view) const
{
    Data data;
    data.set("csrf", text(view.csrf));
    data.set("user", text(view.user));
    set_notice(data, std::nullopt);
    return page(look_, "Log out?", texts::kLogout, std::move(data));
}

std::string Pages::message(const MessageView& view) const
{
    Data data;
    data.set("text", text(view.text));
    data.set("has_link", flag(!view.link.empty()));
    data.set("link", text(view.link));
    data.set("link_text", text(view.link_text));
    set_notice(data, std::nullopt);
    return page(look_, view.title, texts::kMessage, std::move(data));
}

}  // namespace securelogin::web
