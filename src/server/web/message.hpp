// message.hpp: HTTP/1.1 messages (RFC 9110, RFC 9112) as this door knows them.
#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

namespace securelogin::web {

namespace http = boost::beast::http;

using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

}  // namespace securelogin::web
