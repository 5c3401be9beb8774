// attempts.hpp: name, password and code of a form, judged: to log in, or once more before something is
// changed.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

#include "common/secret.hpp"
#include "server/login/async_authenticator.hpp"
#include "server/web/form.hpp"
#include "server/web/message.hpp"
#include "server/web/pages.hpp"
#include "server/web/visit.hpp"

namespace securelogin::web {

inline constexpr std::string_view kWebDoor = "web";  // in the log

struct Attempted {
    login::Outcome outcome;
    Secret device;  // the device cookie's value: the browser's, or a new one where it had none
};

/// By the fields username, password and code.  On yes a session is open, with a token; logged; held as long
/// as a refusal is.
[[nodiscard]] boost::asio::awaitable<Attempted> attempt_login(const Visit& visit, const Form& form);
/// The same for a program, which has no cookies: no device.
[[nodiscard]] boost::asio::awaitable<login::Outcome> attempt_login(const Visit& visit, std::string name,
                                                                   Secret password, Secret code);
/// By the fields password and code: the holder, once more.
[[nodiscard]] boost::asio::awaitable<login::Outcome> confirm(const Visit& visit, const Holder& holder,
                                                             const Form& form);

[[nodiscard]] inline bool is_granted(const login::Outcome& outcome)
{
    return outcome.verdict && outcome.verdict->granted;
}

/// Of what was not granted: what its page says, the same whatever was wrong; 401, or 429.
[[nodiscard]] Notice notice_of(const login::Outcome& outcome);
[[nodiscard]] http::status status_of(const login::Outcome& outcome);
void add_retry_after(Response& response, const login::Outcome& outcome);

void set_session(Response& response, std::string_view token);
void clear_session(Response& response);
/// At each login: the browser is to keep it for as long as the server does, from now on.
void set_device(Response& response, const Attempted& attempted);

}  // namespace securelogin::web
