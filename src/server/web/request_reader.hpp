// request_reader.hpp: octets made into requests (RFC 9112), one after the other; strict.
//
// What another server might read in another way is refused, not repaired, and the connection ends: lines that
// end with a bare LF, obsolete folding, lengths that are repeated or in conflict, transfer codings, no Host
// or two, a target that is no path.  So is what is longer than a login's request has reason to be.
//
// Holds no socket: octets are put in, requests are taken out.  What has been read is wiped when it has been
// taken.  One thread at a time.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "server/web/message.hpp"

namespace securelogin::web {

class RequestReader {
  public:
    static constexpr std::size_t kLongestHead = std::size_t{16} * 1024;  // octets, the empty line included
    static constexpr std::size_t kLongestBody = std::size_t{16} * 1024;
    static constexpr std::size_t kMostFields = 100;
    static constexpr std::size_t kLongestTarget = std::size_t{4} * 1024;

    RequestReader() = default;
    ~RequestReader() { forget(); }
    RequestReader(const RequestReader&) = delete;
    RequestReader& operator=(const RequestReader&) = delete;

    /// Where the next octets go; never empty.  What is held never grows beyond a head and a body.  REQUIRES:
    /// next() has just found nothing.
    [[nodiscard]] std::span<char> space();
    void received(std::size_t count) noexcept { end_ += count; }

    struct Next {
        const Request* request = nullptr;          // until next() or forget() is called
        std::optional<http::status> refused = {};  // and nothing that follows is to be read
    };
    /// The next request, once all of it is there; neither while it is not.
    [[nodiscard]] Next next();
    /// Wipes the request that was read last.
    void done() noexcept { request_.clear(); }

    /// Nothing of a request is here.
    [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
    /// What is here of the next request, and of those behind it; until the next call of a member that is
    /// not const.
    [[nodiscard]] std::string_view unread() const noexcept
    {
        return {octets_.data() + begin_, end_ - begin_};
    }
    /// Wipes what is here, and holds no memory any more.
    void forget() noexcept;

  private:
    [[nodiscard]] std::optional<http::status> read_head();
    [[nodiscard]] std::optional<http::status> parse_head(std::string_view head);
    void take_request();

    std::vector<char> octets_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::size_t scanned_ = 0;  // of the unread: no head's end begins in front of this
    std::size_t checked_ = 0;  // of the unread: whole lines that can be read in one way
    Request request_;          // the last; or the next, without its body as yet
    std::size_t head_ = 0;     // octets of the next one's head, once it has been read
    std::size_t body_ = 0;     // then: and of its body
};

}  // namespace securelogin::web
