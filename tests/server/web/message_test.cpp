#include "server/web/message.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace securelogin::web {
namespace {

TEST(MediaType, IsComparedWithoutCaseAndParameters)
{
    for (const auto* const same :
         {"text/html", "Text/HTML", "text/html;charset=utf-8", "text/html \t; a=b"}) {
        EXPECT_TRUE(is_media_type(same, "text/html")) << same;
    }
    for (const auto* const other : {"", ";", "text/htm", "text/html5", "text/ html", "a=b;text/html"}) {
        EXPECT_FALSE(is_media_type(other, "text/html")) << other;
    }
}

TEST(Response, GoesOnItsWayWithItsLength)
{
    Response response(http::status::ok);
    response.set(http::field::content_type, "text/plain");
    response.body() = "hello";
    EXPECT_EQ(response.text({.keep_alive = true}),
              "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");
}

TEST(Response, ToAHeadHasTheLengthAndNoBody)
{
    Response response(http::status::ok);
    response.body() = "hello";
    EXPECT_EQ(response.text({.keep_alive = true, .without_body = true}),
              "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
}

TEST(Response, WithoutContentHasNoLength)
{
    const Response response(http::status::no_content);
    EXPECT_EQ(response.text({.keep_alive = true}), "HTTP/1.1 204 No Content\r\n\r\n");
}

TEST(Response, SaysWhetherTheConnectionStays)
{
    const Response response(http::status::no_content);
    EXPECT_EQ(response.text({}), "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(response.text({.keep_alive = true, .version = 10}),
              "HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n");
}

TEST(Response, HasAFieldOnceUnlessItIsInserted)
{
    Response response(http::status::no_content);
    response.set("Cache-Control", "no-store");
    response.set(http::field::cache_control, "no-cache");
    response.insert(http::field::set_cookie, "a=1");
    response.insert(http::field::set_cookie, "b=2");
    EXPECT_EQ(
        response.text({.keep_alive = true}),
        "HTTP/1.1 204 No Content\r\nCache-Control: no-cache\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n");
}

TEST(Response, TakesNoValueOfTwoLines)
{
    Response response(http::status::ok);
    for (const auto* const value : {"a\r\nSet-Cookie: b=1", "a\nb", "a\rb"}) {
        EXPECT_THROW(response.set("Location", value), std::invalid_argument) << value;
        EXPECT_THROW(response.insert(http::field::location, value), std::invalid_argument) << value;
    }
    EXPECT_THROW(response.set("Location", std::string_view("a\0b", 3)), std::invalid_argument);
}

TEST(Request, TellsFieldsByTheirNameWhateverItsCase)
{
    Request request;
    request.set_start(http::verb::get, "GET", "/a?b", 11);
    request.add(http::field::host, "HOST", "a.example");
    request.add(http::field::cookie, "Cookie", "a=1");
    request.add(http::field::cookie, "cookie", "b=2");
    EXPECT_EQ(request[http::field::host], "a.example");
    EXPECT_EQ(request[http::field::cookie], "a=1");
    EXPECT_EQ(request.count(http::field::cookie), 2U);
    EXPECT_EQ(request[http::field::origin], "");
    EXPECT_TRUE(is_same_name(request.fields().front().name, "Host"));
}

TEST(Request, IsEmptyAgainWhenTheNextBegins)
{
    Request request;
    request.begin("POST /login HTTP/1.1\r\nCookie: a=1\r\n\r\n");
    request.set_start(http::verb::post, "POST", "/login", 11);
    request.add(http::field::cookie, "Cookie", "a=1");
    request.set_body("password=secret");
    EXPECT_EQ(request.begin("GET"), "GET");
    EXPECT_TRUE(request.fields().empty());
    EXPECT_EQ(request.body(), "");
    EXPECT_EQ(request.target(), "");
}

}  // namespace
}  // namespace securelogin::web
