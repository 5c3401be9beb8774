#include "server/web/request_reader.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <charconv>
#include <cstring>
#include <string>
#include <utility>

#include "common/secret.hpp"

namespace securelogin::web {
namespace {

constexpr std::size_t kFirstRoom = std::size_t{4} * 1024;
constexpr std::string_view kEndOfHead = "\r\n\r\n";

/// What the parser would put up with, though others may read it differently; from `from` on, where a line
/// begins.
bool is_ambiguous(std::string_view head, std::size_t from)
{
    const auto text = head.substr(from);
    if (text.find('\0') != text.npos || head.starts_with("\r\n")) return true;
    bool is_first = from == 0;
    std::size_t line = 0;
    for (auto end = text.find('\n'); end != text.npos; end = text.find('\n', line)) {
        const auto cr = text.find('\r', line);
        if (cr == text.npos || cr + 1 != end) return true;
        const bool is_folded = text[line] == ' ' || text[line] == '\t';
        if (is_folded && !is_first) return true;  // obsolete folding
        is_first = false;
        line = end + 1;
    }
    return text.find('\r', line) != text.npos;
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
    std::size_t length = 0;
    if (count == 0) return length;
    const auto text = request[http::field::content_length];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (count > 1 || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return length;
}

/// Beast's parser, which takes a request's own head apart.
class HeadParser final : public http::basic_parser<true> {
  public:
    explicit HeadParser(Request& request) : request_(request)
    {
        header_limit(RequestReader::kLongestHead);
        body_limit(RequestReader::kLongestBody);
    }

  private:
    using Text = boost::beast::string_view;
    using Error = boost::beast::error_code;
    static std::string_view view(Text text) noexcept { return {text.data(), text.size()}; }

    void on_request_impl(http::verb method, Text method_string, Text target, int version,
                         Error& error) override
    {
        error = {};
        request_.set_start(method, view(method_string), view(target), static_cast<unsigned>(version));
    }
    void on_field_impl(http::field id, Text name, Text value, Error& error) override
    {
        error = {};
        if (request_.fields().size() == RequestReader::kMostFields) {
            error = http::error::header_limit;
            return;
        }
        request_.add(id, view(name), view(value));
    }
    void on_header_impl(Error& error) override { error = {}; }
    // Never reached: it is given heads only.
    void on_response_impl(int, Text, int, Error& error) override { error = http::error::bad_method; }
    void on_body_init_impl(const boost::optional<std::uint64_t>&, Error& error) override { error = {}; }
    std::size_t on_body_impl(Text, Error& error) override
    {
        error = http::error::need_buffer;
        return 0;
    }
    void on_chunk_header_impl(std::uint64_t, Text, Error& error) override { error = http::error::bad_chunk; }
    std::size_t on_chunk_body_impl(std::uint64_t, Text, Error& error) override
    {
        error = http::error::bad_chunk;
        return 0;
    }
    void on_finish_impl(Error& error) override { error = {}; }

    Request& request_;
};

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
    if (head_ == 0) {
        if (const auto fault = read_head()) return {.refused = fault};
    }
    if (head_ == 0 || unread().size() < head_ + body_) return {};
    take_request();
    return {.request = &request_};
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
    if (is_ambiguous(head, 0)) return http::status::bad_request;
    const auto kept = request_.begin(head);
    HeadParser parser(request_);
    boost::beast::error_code error;
    parser.put(boost::asio::buffer(kept.data(), kept.size()), error);
    if (error && error != http::error::need_more) return status_of(error);
    if (!parser.is_header_done()) return http::status::bad_request;
    if (const auto fault = fault_of(request_)) return fault;
    request_.set_keep_alive(parser.keep_alive());
    head_ = head.size();
    body_ = *length_of_body(request_);
    return std::nullopt;
}

/// REQUIRES: all of it is there.
void RequestReader::take_request()
{
    request_.set_body(unread().substr(head_, body_));
    wipe(std::span(octets_).subspan(begin_, head_ + body_));
    begin_ += head_ + body_;
    scanned_ = checked_ = head_ = body_ = 0;
}

void RequestReader::forget() noexcept
{
    wipe(std::span(octets_).subspan(begin_, end_ - begin_));
    std::vector<char>().swap(octets_);
    begin_ = end_ = scanned_ = checked_ = head_ = body_ = 0;
    request_.clear();
    request_ = Request();
}

}  // namespace securelogin::web
