// guarding.hpp: GET /verify: may a request pass to a guarded site (guard.hpp)?
//
// A proxy asks for each picture of a page, thousands of times a second: what is asked is answered apart from
// all else, without a coroutine, and together with what others ask at that moment (worker.hpp).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "server/web/guard.hpp"
#include "server/web/message.hpp"
#include "server/web/visit.hpp"

namespace securelogin::web {

inline constexpr std::string_view kQuestionPath = "/verify";

/// Of a proxy of the operator's that does not say for whom it asks: nobody is to be charged, or let through.
inline constexpr std::string_view kNobodyNamed = "a proxy that does not say for whom it asks";
/// Writes it to the log, unless it has been told of another just now.
void tell_doubt(const Site& site, Worker& worker, const auth::Source& peer, std::string_view reason);

/// Whether it is asked as proxies do.
[[nodiscard]] bool is_question(const Request& request) noexcept;

/// The token that it shows, which the worker expects to be asked about from now on.  Throws OpenSslError.
[[nodiscard]] std::optional<auth::TokenHash> token_shown(const Request& request, Worker& worker);

struct Question {
    const Request& request;
    std::optional<auth::TokenHash> token;  // token_shown()
    const Site& site;
    Worker& worker;
    const auth::Source& peer;
    bool trusted;  // the peer is one of the guard's proxies
};
/// Throws auth::StoreError.
[[nodiscard]] GuardAnswer answer_of(const Question& question);
/// As it goes on its way.
void append_answer(std::string& out, const GuardAnswer& answer, bool keep_alive);

/// The same for whoever asks in another way: HEAD.
[[nodiscard]] boost::asio::awaitable<Response> verify(const Visit& visit);

}  // namespace securelogin::web
