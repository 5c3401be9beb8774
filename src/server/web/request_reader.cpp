#include "server/web/request_reader.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <charconv>
#include <cstring>
#include <string>

#include "common/secret.hpp"

namespace securelogin::web {
namespace {

constexpr std::size_t kFirstRoom = std::size_t{4} * 1024;
constexpr std::string_view kEndOfHead = "\r\n\r\n";

/// What the parser would put up with, though others may read it differently.
bool is_ambiguous(std::string_view head)
{
    for (std::size_t at = 0; at < head.size(); ++at) {
        const char c = head[at];
        if (c == '\0') return true;
        if (c == '\n' && (at == 0 || head[at - 1] != '\r')) return true;
        if (c == '\r' && (at + 1 == head.size() || head[at + 1] != '\n')) return true;
        const bool at_line_start = at > 0 && head[at - 1] == '\n';
        if (at_line_start && (c == ' ' || c == '\t')) return true;  // obsolete folding
    }
    return head.starts_with("\r\n");
}

http::status status_of(const boost::beast::error_code& error)
{
    if (error == http::error::header_limit) return http::status::request_header_fields_too_large;
    if (error == http::error::body_limit) return http::status::payload_too_large;
    if (error == http::error::bad_version) return http::status::http_version_not_supported;
    return http::status::bad_request;
}

/// Of a body that is there; nothing when it cannot be told.
std::optional<std::size_t> length_of_body(const Request& request)
{
    const auto count = request.count(http::field::content_length);
    if (count == 0) return 0;
    const auto text = request[http::field::content_length];
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (count > 1 || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return length;
}

std::optional<http::status> fault_of(const Request& request)
{
    if (request.count(http::field::transfer_encoding) > 0) {
        return request.count(http::field::content_length) > 0 ? http::status::bad_request
                                                              : http::status::length_required;
    }
    const auto hosts = request.count(http::field::host);
    if (hosts > 1 || (hosts == 0 && request.version() > 10)) return http::status::bad_request;
    const auto target = request.target();
    if (!target.starts_with('/') || target.find('#') != target.npos) return http::status::bad_request;
    if (target.size() > RequestReader::kLongestTarget) return http::status::uri_too_long;
    const auto length = length_of_body(request);
    if (!length) return http::status::bad_request;
    if (*length > RequestReader::kLongestBody) return http::status::payload_too_large;
    return std::nullopt;
}

}  // namespace

std::span<char> RequestReader::space()
{
    if (begin_ == end_) begin_ = end_ = 0;
    if (end_ == octets_.size()) {
        // Grown by hand: what lay in the smaller room is not to be left there.
        std::vector<char> larger(std::max(kFirstRoom, octets_.size() * 2));
        std::memcpy(larger.data(), octets_.data() + begin_, end_ - begin_);
        larger.swap(octets_);
        wipe(larger);
        end_ -= begin_;
        begin_ = 0;
    }
    return std::span(octets_).subspan(end_);
}

RequestReader::Next RequestReader::next()
{
    const auto here = unread();
    const auto head_end = here.substr(0, kLongestHead).find(kEndOfHead);
    if (head_end == std::string_view::npos) {
        if (here.size() >= kLongestHead) return {.refused = http::status::request_header_fields_too_large};
        // Told at once: such a line may never end in another way.
        if (is_ambiguous(here.substr(0, here.rfind('\n') + 1))) return {.refused = http::status::bad_request};
        return {};
    }
    const auto head = here.substr(0, head_end + kEndOfHead.size());
    if (is_ambiguous(head)) return {.refused = http::status::bad_request};
    http::request_parser<http::string_body> parser;
    parser.header_limit(kLongestHead);
    parser.body_limit(kLongestBody);
    boost::beast::error_code error;
    parser.put(boost::asio::buffer(head.data(), head.size()), error);
    if (error && error != http::error::need_more) return {.refused = status_of(error)};
    if (!parser.is_header_done()) return {.refused = http::status::bad_request};
    if (const auto fault = fault_of(parser.get())) return {.refused = fault};
    const auto length = *length_of_body(parser.get());
    if (here.size() < head.size() + length) return {};
    auto request = parser.release();
    request.body().assign(here.substr(head.size(), length));
    take(head.size() + length);
    return {.request = std::move(request)};
}

void RequestReader::take(std::size_t count) noexcept
{
    wipe(std::span(octets_).subspan(begin_, count));
    begin_ += count;
}

void RequestReader::forget() noexcept
{
    wipe(std::span(octets_).subspan(begin_, end_ - begin_));
    std::vector<char>().swap(octets_);
    begin_ = end_ = 0;
}

}  // namespace securelogin::web
