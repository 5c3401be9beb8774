// result_token.hpp: awaiting an operation of Asio's without exceptions: what comes back is a tuple, the error
// first.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace securelogin {

inline constexpr auto kResult = boost::asio::as_tuple(boost::asio::use_awaitable);

}  // namespace securelogin
