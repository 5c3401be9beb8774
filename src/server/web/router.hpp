// router.hpp: which request is answered by whom.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>

#include "server/auth/source.hpp"
#include "server/web/message.hpp"
#include "server/web/visit.hpp"

namespace securelogin::web {

/// Nothing when it cannot be told whom to charge for it: a proxy has not said for whom it asks.
[[nodiscard]] std::optional<Visit> visit_of(const Request& request, const Site& site, Worker& worker,
                                            const auth::Source& peer, bool tls, std::uint64_t connection);

/// 404 for what there is not, 405 for what is not done with it.  Throws auth::StoreError and what want of
/// memory throws: nothing has been done then.
[[nodiscard]] boost::asio::awaitable<Response> respond(const Visit& visit);

}  // namespace securelogin::web
