#include "server/web/message.hpp"

#include <algorithm>
#include <stdexcept>

#include "common/secret.hpp"

namespace securelogin::web {
namespace {

std::string_view view(boost::beast::string_view text) noexcept { return {text.data(), text.size()}; }

/// What ends a line would begin a field, or a response, of whoever has chosen the value.
void require_one_line(std::string_view value)
{
    constexpr std::string_view ends("\r\n\0", 3);
    if (value.find_first_of(ends) != value.npos) throw std::invalid_argument("a field of two lines");
}

}  // namespace

std::string_view Request::operator[](http::field id) const noexcept
{
    const auto found = std::ranges::find(fields_, id, &Field::id);
    return found == fields_.end() ? std::string_view() : found->value;
}

std::size_t Request::count(http::field id) const noexcept
{
    return static_cast<std::size_t>(std::ranges::count(fields_, id, &Field::id));
}

std::string_view Request::begin(std::string_view head)
{
    clear();
    head_.assign(head.begin(), head.end());
    return {head_.data(), head_.size()};
}

void Request::set_start(http::verb method, std::string_view method_string, std::string_view target,
                        unsigned version) noexcept
{
    method_ = method;
    method_string_ = method_string;
    target_ = target;
    version_ = version;
}

void Request::add(http::field id, std::string_view name, std::string_view value)
{
    fields_.push_back({.id = id, .name = name, .value = value});
}

void Request::clear() noexcept
{
    wipe(head_);
    head_.clear();
    fields_.clear();
    wipe(body_);
    body_.clear();
    method_ = http::verb::unknown;
    method_string_ = target_ = {};
}

Response::~Response()
{
    for (auto& field : fields_) wipe(field.value);
    wipe(body_);
}

void Response::set(std::string_view name, std::string_view value)
{
    require_one_line(value);
    std::erase_if(fields_, [&](const Field& field) { return is_same_name(field.name, name); });
    fields_.push_back({.name = std::string(name), .value = std::string(value)});
}

void Response::set(http::field id, std::string_view value) { set(view(http::to_string(id)), value); }

void Response::insert(http::field id, std::string_view value)
{
    require_one_line(value);
    fields_.push_back({.name = std::string(view(http::to_string(id))), .value = std::string(value)});
}

std::string Response::text(const Terms& terms) const
{
    // Written in one piece: growing would leave copies behind.
    std::size_t size = body_.size() + 256;
    for (const auto& field : fields_) size += field.name.size() + field.value.size() + 4;
    std::string out;
    out.reserve(size);
    append_status_line(out, status_);
    for (const auto& field : fields_) append_field(out, field.name, field.value);
    if (!terms.keep_alive) append_field(out, "Connection", "close");
    if (terms.keep_alive && terms.version < 11) append_field(out, "Connection", "keep-alive");
    // No content has no length, either (RFC 9110 section 8.6).
    if (status_ != http::status::no_content)
        append_field(out, "Content-Length", std::to_string(body_.size()));
    out += "\r\n";
    if (!terms.without_body) out += body_;
    return out;
}

void append_status_line(std::string& out, http::status status)
{
    out += "HTTP/1.1 ";
    out += std::to_string(static_cast<unsigned>(status));
    out += ' ';
    out += view(http::obsolete_reason(status));
    out += "\r\n";
}

void append_field(std::string& out, std::string_view name, std::string_view value)
{
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
}

}  // namespace securelogin::web
