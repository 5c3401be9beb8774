#include "server/web/request_reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace securelogin::web {
namespace {

void put(RequestReader& reader, std::string_view octets)
{
    while (!octets.empty()) {
        const auto space = reader.space();
        const auto count = std::min(space.size(), octets.size());
        std::copy_n(octets.begin(), count, space.begin());
        reader.received(count);
        octets.remove_prefix(count);
    }
}

/// What each request that is there was read as, up to a refusal.
std::string read(RequestReader& reader)
{
    std::string all;
    for (;;) {
        const auto next = reader.next();
        if (next.refused) return all + "refused " + std::to_string(static_cast<unsigned>(*next.refused));
        if (!next.request) return all;
        const auto& request = *next.request;
        all += std::string(request.method_string()) + " " + std::string(request.target()) + " [" +
               std::string(request.body()) + "] ";
    }
}

std::string read_all(std::string_view octets)
{
    RequestReader reader;
    put(reader, octets);
    return read(reader);
}

struct RequestCase {
    const char* name;
    std::string octets;
    std::string read_as;
};

class Requests : public testing::TestWithParam<RequestCase> {};

TEST_P(Requests, AreReadInOneWayOrRefused)
{
    const auto& [name, octets, read_as] = GetParam();
    EXPECT_EQ(read_all(octets), read_as);
    // The same octet by octet: where they are cut says nothing.
    RequestReader reader;
    std::string all;
    for (const char octet : octets) {
        put(reader, std::string_view(&octet, 1));
        all += read(reader);
        if (all.find("refused") != std::string::npos) break;
    }
    EXPECT_EQ(all, read_as);
}

const std::string kHost = "Host: login.example.com\r\n";
const std::string kForm = "POST /login HTTP/1.1\r\n" + kHost;

INSTANTIATE_TEST_SUITE_P(
    RequestReader, Requests,
    testing::Values(
        RequestCase{"Get", "GET /login HTTP/1.1\r\n" + kHost + "\r\n", "GET /login [] "},
        RequestCase{"Post", kForm + "Content-Length: 3\r\n\r\na=b", "POST /login [a=b] "},
        RequestCase{"Two", "GET /a HTTP/1.1\r\n" + kHost + "\r\nGET /b HTTP/1.1\r\n" + kHost + "\r\n",
                    "GET /a [] GET /b [] "},
        RequestCase{"BodyStillToCome", kForm + "Content-Length: 4\r\n\r\na=b", ""},
        RequestCase{"OldVersion", "GET / HTTP/1.0\r\n\r\n", "GET / [] "},
        RequestCase{"NoHost", "GET / HTTP/1.1\r\n\r\n", "refused 400"},
        RequestCase{"TwoHosts", "GET / HTTP/1.1\r\n" + kHost + kHost + "\r\n", "refused 400"},
        RequestCase{"BareLf", "GET / HTTP/1.1\n" + kHost + "\r\n", "refused 400"},
        RequestCase{"BareLfInHeader", "GET / HTTP/1.1\r\n" + kHost + "X: a\nY: b\r\n\r\n", "refused 400"},
        RequestCase{"BareCr", "GET / HTTP/1.1\r\n" + kHost + "X: a\rb\r\n\r\n", "refused 400"},
        RequestCase{"ObsoleteFolding", "GET / HTTP/1.1\r\n" + kHost + "X: a\r\n b\r\n\r\n", "refused 400"},
        RequestCase{"ObsoleteFoldingUnfinished", "GET / HTTP/1.1\r\n" + kHost + "X: a\r\n b\r\nY: c",
                    "refused 400"},
        RequestCase{"BlankBeforeColon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "refused 400"},
        RequestCase{"LengthsInConflict", kForm + "Content-Length: 3\r\nContent-Length: 4\r\n\r\na=b",
                    "refused 400"},
        RequestCase{"LengthTwice", kForm + "Content-Length: 3\r\nContent-Length: 3\r\n\r\na=b",
                    "refused 400"},
        RequestCase{"LengthList", kForm + "Content-Length: 3, 3\r\n\r\na=b", "refused 400"},
        RequestCase{"NegativeLength", kForm + "Content-Length: -1\r\n\r\n", "refused 400"},
        RequestCase{"LengthAndCoding",
                    kForm + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                    "refused 400"},
        RequestCase{"Chunked", kForm + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "refused 411"},
        RequestCase{"TooMuch", kForm + "Content-Length: 16385\r\n\r\n", "refused 413"},
        RequestCase{"AbsoluteTarget", "GET http://a/ HTTP/1.1\r\n" + kHost + "\r\n", "refused 400"},
        RequestCase{"Asterisk", "OPTIONS * HTTP/1.1\r\n" + kHost + "\r\n", "refused 400"},
        RequestCase{"Fragment", "GET /a#b HTTP/1.1\r\n" + kHost + "\r\n", "refused 400"},
        RequestCase{"LongTarget", "GET /" + std::string(5000, 'a') + " HTTP/1.1\r\n" + kHost + "\r\n",
                    "refused 414"},
        RequestCase{"LongHead", "GET / HTTP/1.1\r\n" + kHost + "X: " + std::string(17000, 'a') + "\r\n\r\n",
                    "refused 431"},
        RequestCase{"NotHttp", "Username:\r\n\r\n", "refused 400"},
        RequestCase{"Version2", "GET / HTTP/2.0\r\n" + kHost + "\r\n", "refused 505"},
        RequestCase{"Nul",
                    std::string("GET / HTTP/1.1\r\n") + kHost + "X: a" + std::string(1, '\0') + "\r\n\r\n",
                    "refused 400"},
        RequestCase{"EmptyLineFirst", "\r\nGET / HTTP/1.1\r\n" + kHost + "\r\n", "refused 400"}),
    [](const auto& row) { return row.param.name; });

/// However much comes on one connection, and however it is cut.
TEST(RequestReader, HoldsNoMoreThanARequest)
{
    RequestReader reader;
    const std::string request = kForm + "Content-Length: 9000\r\n\r\n" + std::string(9000, 'a');
    std::string unsent;
    std::size_t largest = 0;
    for (int number = 0; number < 500; ++number) {
        unsent += request;
        const auto half =
            unsent.size() - request.size() / 2;  // there is always one that is still to be ended
        put(reader, std::string_view(unsent).substr(0, half));
        unsent.erase(0, half);
        while (reader.next().request) {
        }
        largest = std::max(largest, reader.space().size());
    }
    EXPECT_LE(largest, RequestReader::kLongestHead + RequestReader::kLongestBody);
}

TEST(RequestReader, HasAHundredFieldsAtMost)
{
    std::string octets = "GET / HTTP/1.1\r\n" + kHost;
    for (int field = 0; field < 99; ++field) octets += "X: 1\r\n";
    EXPECT_EQ(read_all(octets + "\r\n"), "GET / [] ");
    EXPECT_EQ(read_all(octets + "X: 1\r\nX: 1\r\n\r\n"), "refused 431");
}

TEST(RequestReader, HoldsNothingWhenItHasBeenTaken)
{
    RequestReader reader;
    put(reader, kForm + "Content-Length: 3\r\n\r\na=b");
    EXPECT_FALSE(reader.empty());
    EXPECT_TRUE(reader.next().request);
    EXPECT_TRUE(reader.empty());
    // What was read lies in front of what the next octets are put into.
    const auto space = reader.space();
    EXPECT_TRUE(std::ranges::all_of(space, [](char c) { return c == '\0'; }));
}

}  // namespace
}  // namespace securelogin::web
