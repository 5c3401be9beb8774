#include "server/web/request_reader.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <charconv>
#include <cstring>
#include <string>
#include <utility>

#include "common/secret.hpp"

namespace securelogin::web {
namespace {

constexpr std::size_t kFirstRoom = std::size_t{4} * 1024;
constexpr std::string_view kEndOfHead = "\r\n\r\n";

/// What the parser would put up with, though others may read it differently; from `from` on.
bool is_ambiguous(std::string_view head, std::size_t from)
{
    for (std::size_t at = from; at < head.size(); ++at) {
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
    if (begin_ > 0) {
        const auto kept = end_ - begin_;
        std::memmove(octets_.data(), octets_.data() + begin_, kept);
        wipe(std::span(octets_).subspan(kept, end_ - kept));
        begin_ = 0;
        end_ = kept;
    }
    if (end_ == octets_.size()) {
        // Grown by hand: what lay in the smaller room is not to be left there.
        const auto size = octets_.empty() ? kFirstRoom : octets_.size() * 2;
        std::vector<char> larger(std::min(size, kLongestHead + kLongestBody));
        std::copy_n(octets_.begin(), end_, larger.begin());
        larger.swap(octets_);
        wipe(larger);
    }
    return std::span(octets_).subspan(end_);
}

RequestReader::Next RequestReader::next()
{
    if (!head_) {
        if (const auto fault = read_head()) return {.refused = fault};
    }
    if (!head_ || unread().size() < needed_) return {};
    const auto head_size = needed_ - *length_of_body(*head_);
    head_->body().assign(unread().substr(head_size, needed_ - head_size));
    take(needed_);
    return {.request = std::exchange(head_, std::nullopt)};
}

/// Looks at each octet once, however small the pieces are that they come in.
std::optional<http::status> RequestReader::read_head()
{
    const auto here = unread();
    const auto head_end = here.substr(0, kLongestHead).find(kEndOfHead, scanned_);
    if (head_end != std::string_view::npos) return parse_head(here.substr(0, head_end + kEndOfHead.size()));
    if (here.size() >= kLongestHead) return http::status::request_header_fields_too_large;
    // Told at once: such a line may never end in another way.
    const auto lines = here.substr(0, here.rfind('\n') + 1);
    if (is_ambiguous(lines, checked_)) return http::status::bad_request;
    checked_ = lines.size();
    scanned_ = here.size() - std::min(here.size(), kEndOfHead.size() - 1);
    return std::nullopt;
}

std::optional<http::status> RequestReader::parse_head(std::string_view head)
{
    const auto fields = std::ranges::count(head, '\n');
    if (fields > static_cast<std::ptrdiff_t>(kMostFields + 2))
        return http::status::request_header_fields_too_large;
    if (is_ambiguous(head, 0)) return http::status::bad_request;
    http::request_parser<http::string_body> parser;
    parser.header_limit(kLongestHead);
    parser.body_limit(kLongestBody);
    boost::beast::error_code error;
    parser.put(boost::asio::buffer(head.data(), head.size()), error);
    if (error && error != http::error::need_more) return status_of(error);
    if (!parser.is_header_done()) return http::status::bad_request;
    if (const auto fault = fault_of(parser.get())) return fault;
    head_ = parser.release();
    needed_ = head.size() + *length_of_body(*head_);
    return std::nullopt;
}

void RequestReader::take(std::size_t count) noexcept
{
    wipe(std::span(octets_).subspan(begin_, count));
    begin_ += count;
    scanned_ = checked_ = needed_ = 0;
}

void RequestReader::forget() noexcept
{
    wipe(std::span(octets_).subspan(begin_, end_ - begin_));
    std::vector<char>().swap(octets_);
    begin_ = end_ = scanned_ = checked_ = needed_ = 0;
    head_.reset();
}

}  // namespace securelogin::web
