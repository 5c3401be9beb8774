// pages.hpp: what a browser is shown, as HTML, and the two assets that go with it.  Pure rendering: no HTTP.
//
// A view is all that a page shows and all that its forms carry.  Every text in it is escaped where it is put,
// whatever it holds; the templates (pages/*.mustache) hold neither styles nor scripts, so that they can be
// served under
//   Content-Security-Policy: default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:;
//                            form-action 'self'
// style() belongs at /assets/style.css, script() at /assets/script.js and the operator's logo at
// /assets/logo. All works without the script.  Pages ask for each with its version_of() as the query `v`: an
// answer may be kept for good, and what has changed has another address.
//
// Times in views are RFC 3339 in UTC with whole seconds, as auth::to_rfc3339 writes them; they are shown in
// words.  What is no such time (none, "never") is shown as it is.
//
// Pages that hold a key or codes are strings, and copies of them are left in memory that is freed: in the
// daemon that is wiped (wiping_delete.cpp).  The caller wipes what it is given.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace securelogin::web {

/// What makes the pages the operator's own.
struct Branding {
    std::string name = "SecureLogin";
    /// "#rrggbb".  Buttons have it, with white or black on it, whichever reads better; links and what is
    /// shown in the dark have it made darker or lighter until it reads (WCAG 2.2 AA: 4.5 to 1).
    std::string accent = "#2f5bd7";
    bool has_logo = false;
    std::string logo_version = {};
};

/// What tells one content from another, as 16 hexadecimal digits.  Nobody is to be kept from finding two with
/// the same: who makes them is the operator, or we.
[[nodiscard]] std::string version_of(std::string_view octets);

/// An asset that is this server's own.
struct Asset {
    std::string_view octets;
    std::string_view version;
};

/// What is told on top of a page, and in the title when it is a problem.  Plain text.
struct Notice {
    enum class Kind { problem, done } kind;
    std::string text;
    std::string go_on = {};  // where a problem's link leads, judged by the caller; empty: there is none
};

/// POST /login: csrf, back, username, password, code.  Only the notice says that something was wrong: the
/// page is the same whichever of the three it was, and the caller's text has to be.
struct LoginView {
    std::string csrf;
    std::string name;  // what was typed before
    std::string back;  // where to go afterwards; judged by the caller
    bool can_register = false;
    std::optional<Notice> notice = {};
};

/// POST /register: csrf, invitation, username (open only), password, password_again.
struct RegisterView {
    std::string csrf;
    /// Nobody has to be invited: a name is asked for, and no invitation.
    bool open = false;
    std::string invitation;
    std::string name;
    std::optional<Notice> notice = {};
};

/// POST /register/prove, or /account/totp/prove for a new key: csrf, enrolment, code.
struct ProofView {
    std::string csrf;
    std::string enrolment;
    std::string user;
    std::string uri;     // "otpauth://..."; drawn.  REQUIRES: it fits into a QR code (qr_code.hpp)
    std::string secret;  // base32, shown in groups of four
    /// A new key for an account that there is.
    bool replaces = false;
    std::optional<Notice> notice = {};
};

/// Shown once, and made to be printed.
struct RecoveryCodesView {
    std::string user;
    std::vector<std::string> codes;
    /// The account has just been made; else its codes have been replaced.
    bool enrolled = false;
};

struct SessionRow {
    std::string id, opened, last_used, expires, source;
    bool own = false;
    bool token = false;
};

struct DeviceRow {
    std::string id, first_seen, last_seen, source;
    bool own = false;
};

/// The forms of the account's page, all POST, all with csrf:
///   /account/sessions/end     session (an id, or `all`: all but this one), password, code
///   /account/devices/forget   device, password, code
///   /account/password         password, code, new_password, new_password_again
///   /account/totp             password, code
///   /account/recovery-codes   password, code
///   /logout                   nothing else
struct AccountView {
    enum class Form { none, sessions, devices, password, totp, recovery_codes };

    std::string csrf;
    std::string user;
    std::string last_login;         // the newest; empty: none
    std::string last_login_source;  // empty: not told
    /// Nothing but a new password and the way out are offered, and /account/password goes without `password`
    /// and `code`, which have just been given.
    bool must_change = false;
    int recovery_codes_left = -1;  // -1: not known, or none were ever made
    std::vector<SessionRow> sessions;
    std::size_t more_sessions = 0;  // than there are rows
    std::vector<DeviceRow> devices;
    /// The one that the notice is about: it is shown unfolded.
    Form open = Form::none;
    std::optional<Notice> notice = {};
};

/// POST /logout: csrf.
struct LogoutView {
    std::string csrf;
    std::string user;
};

/// An error, a page that there is not, "You are logged out".
struct MessageView {
    std::string title;
    std::string text;
    std::string link;  // an address that the caller vouches for; empty: none
    std::string link_text;
};

/// Any thread, at once from several.
class Pages {
  public:
    /// Throws std::invalid_argument when branding.accent is no "#rrggbb".
    explicit Pages(Branding branding);

    [[nodiscard]] std::string login(const LoginView& view) const;
    [[nodiscard]] std::string registration(const RegisterView& view) const;
    /// Throws as QrCode::of and png_picture do.
    [[nodiscard]] std::string proof(const ProofView& view) const;
    [[nodiscard]] std::string recovery_codes(const RecoveryCodesView& view) const;
    [[nodiscard]] std::string account(const AccountView& view) const;
    [[nodiscard]] std::string logout(const LogoutView& view) const;
    [[nodiscard]] std::string message(const MessageView& view) const;

    /// The same for as long as this lives.
    [[nodiscard]] Asset style() const noexcept { return {look_.style, look_.style_version}; }
    [[nodiscard]] Asset script() const noexcept;
    [[nodiscard]] std::string_view logo_version() const noexcept { return look_.branding.logo_version; }

    struct Look {
        Branding branding;
        std::string style;
        std::string style_version;
        std::string script_version;
    };

  private:
    Look look_;
};

}  // namespace securelogin::web
