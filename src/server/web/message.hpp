// message.hpp: HTTP/1.1 messages (RFC 9110, RFC 9112) as this door knows them.
//
// Beast's names for methods, statuses and fields; not its messages, which allocate each field by itself: a
// proxy asks thousands of times a second, and what is in one piece is wiped in one.
#pragma once

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/verb.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace securelogin::web {

namespace http = boost::beast::http;

/// As names of fields, of schemes and of media types are compared (RFC 9110 sections 5.1, 8.3.1, 11.1).
[[nodiscard]] inline bool is_same_name(std::string_view left, std::string_view right) noexcept
{
    return left.size() == right.size() &&
           boost::beast::iequals(boost::beast::string_view(left.data(), left.size()),
                                 boost::beast::string_view(right.data(), right.size()));
}

/// Whether a Content-Type names this one, whatever its parameters (RFC 9110 section 8.3.1).
[[nodiscard]] inline bool is_media_type(std::string_view field, std::string_view type) noexcept
{
    auto named = field.substr(0, field.find(';'));
    while (named.ends_with(' ') || named.ends_with('\t')) named.remove_suffix(1);
    return is_same_name(named, type);
}

/// What a peer has sent.  Its copies would be copies of secrets: there are none.  Wiped when it goes.
class Request {
  public:
    struct Field {
        http::field id;  // unknown: told by its name alone
        std::string_view name;
        std::string_view value;
    };

    Request() = default;
    ~Request() { clear(); }
    Request(Request&&) noexcept = default;
    Request& operator=(Request&&) noexcept = default;
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    [[nodiscard]] http::verb method() const noexcept { return method_; }
    [[nodiscard]] std::string_view method_string() const noexcept { return method_string_; }
    [[nodiscard]] std::string_view target() const noexcept { return target_; }
    [[nodiscard]] unsigned version() const noexcept { return version_; }  // 10, 11
    [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }
    /// In the order in which they came.
    [[nodiscard]] const std::vector<Field>& fields() const noexcept { return fields_; }
    /// The first of that name; empty where there is none.
    [[nodiscard]] std::string_view operator[](http::field id) const noexcept;
    [[nodiscard]] std::size_t count(http::field id) const noexcept;
    [[nodiscard]] std::string_view body() const noexcept { return body_; }

    // For whoever reads one.

    /// Empty again, and wiped; the room stays.  Keeps a copy of `head`, and gives it: method, target and
    /// fields are views of that.
    std::string_view begin(std::string_view head);
    void set_start(http::verb method, std::string_view method_string, std::string_view target,
                   unsigned version) noexcept;
    void add(http::field id, std::string_view name, std::string_view value);
    void set_keep_alive(bool keep_alive) noexcept { keep_alive_ = keep_alive; }
    void set_body(std::string_view body) { body_.assign(body); }
    void clear() noexcept;

  private:
    std::vector<char> head_;  // what the views are of; not grown, which would leave a copy behind
    std::vector<Field> fields_;
    std::string body_;
    http::verb method_ = http::verb::unknown;
    std::string_view method_string_;
    std::string_view target_;
    unsigned version_ = 11;
    bool keep_alive_ = false;
};

/// What is answered.  Cookies and bodies are secrets' copies: wiped when it goes.
class Response {
  public:
    explicit Response(http::status status) : status_(status) {}
    ~Response();
    Response(Response&&) noexcept = default;
    Response& operator=(Response&&) noexcept = default;
    Response(const Response&) = delete;
    Response& operator=(const Response&) = delete;

    [[nodiscard]] http::status result() const noexcept { return status_; }
    // Throws std::invalid_argument for a value that is no line.

    /// Instead of what there is of that name.
    void set(std::string_view name, std::string_view value);
    void set(http::field id, std::string_view value);
    /// Besides what there is of that name.
    void insert(http::field id, std::string_view value);
    [[nodiscard]] std::string& body() noexcept { return body_; }

    struct Terms {
        bool keep_alive = false;
        bool without_body = false;  // HEAD
        unsigned version = 11;      // of the request
    };
    /// As it goes on its way (RFC 9112 section 4), with its length.  It is a secret's copy.
    [[nodiscard]] std::string text(const Terms& terms) const;

  private:
    struct Field {
        std::string name;
        std::string value;
    };

    http::status status_;
    std::vector<Field> fields_;
    std::string body_;
};

/// A response's first line.
void append_status_line(std::string& out, http::status status);
void append_field(std::string& out, std::string_view name, std::string_view value);

}  // namespace securelogin::web
