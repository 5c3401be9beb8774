// sample_views.hpp: views with something in each of their fields, for the tests of pages.
#pragma once

#include "server/web/pages.hpp"

namespace securelogin::web::samples {

inline constexpr const char* kKey = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
inline constexpr const char* kUri =
    "otpauth://totp/"
    "Example%20Ltd:alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Example%20Ltd&algorithm=SHA1&"
    "digits=6&period=30";

inline Notice problem(std::string text) { return {.kind = Notice::Kind::problem, .text = std::move(text)}; }
inline Notice done(std::string text) { return {.kind = Notice::Kind::done, .text = std::move(text)}; }

inline LoginView login()
{
    return {.csrf = "c5f0", .name = "alice", .back = "https://wiki.example.org/start", .can_register = true};
}

inline RegisterView invited()
{
    return {.csrf = "c5f0", .open = false, .invitation = "7K3M-9QXT-2FHW-LD5R", .name = ""};
}

inline RegisterView stranger() { return {.csrf = "c5f0", .open = true, .invitation = "", .name = "alice"}; }

inline ProofView proof()
{
    return {.csrf = "c5f0", .enrolment = "e17", .user = "alice", .uri = kUri, .secret = kKey};
}

inline ProofView new_key()
{
    auto view = proof();
    view.replaces = true;
    return view;
}

inline RecoveryCodesView recovery_codes()
{
    return {
        .user = "alice",
        .codes = {"7K3M-9QXT-2FHW-LD5R", "A2B3-C4D5-E6F7-G8H9", "JKLM-NPQR-STUV-WXYZ", "2345-6789-ABCD-EFGH",
                  "ZYXW-VUTS-RQPN-MLKJ", "HGFE-DCBA-9876-5432", "Q8W7-E6R5-T4Y3-U2P9", "M3N4-B5V6-C7X8-Z9L2",
                  "LKJH-GFDS-AQWE-RTYU", "P2Z3-X4C5-V6B7-N8M9"},
        .enrolled = true};
}

inline AccountView account()
{
    return {.csrf = "c5f0",
            .user = "alice",
            .last_login = "2026-05-04T19:40:12Z",
            .last_login_source = "192.0.2.17",
            .must_change = false,
            .recovery_codes_left = 7,
            .sessions = {{.id = "6f1c0a52",
                          .opened = "2026-05-06T07:08:09Z",
                          .last_used = "2026-05-06T09:30:00Z",
                          .expires = "2026-05-06T19:08:09Z",
                          .source = "192.0.2.17",
                          .own = true},
                         {.id = "0badcafe",
                          .opened = "2026-05-05T22:01:30Z",
                          .last_used = "2026-05-06T08:59:59Z",
                          .expires = "2026-05-06T10:01:30Z",
                          .source = "2001:db8:8d3:13ff:aa::7",
                          .token = true}},
            .devices = {{.id = "d41f88c0",
                         .first_seen = "2026-02-11T12:00:00Z",
                         .last_seen = "2026-05-06T07:08:09Z",
                         .source = "192.0.2.17",
                         .own = true},
                        {.id = "77aa01be",
                         .first_seen = "2025-12-24T18:30:00Z",
                         .last_seen = "2026-04-30T06:15:00Z",
                         .source = "198.51.100.9"}}};
}

inline AccountView must_change()
{
    auto view = account();
    view.must_change = true;
    return view;
}

inline LogoutView logout() { return {.csrf = "c5f0", .user = "alice"}; }

inline MessageView logged_out()
{
    return {.title = "You are logged out",
            .text = "Close the window if others use this computer.",
            .link = "/login",
            .link_text = "Log in again"};
}

}  // namespace securelogin::web::samples
