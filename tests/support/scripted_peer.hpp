// scripted_peer.hpp: a peer that answers from a list, and what it was told.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/login/peer.hpp"

namespace securelogin::support {

class ScriptedPeer final : public login::Peer {
  public:
    /// An answer is text, or is made when it is asked for.  After the last one the peer has left.
    using Answer = std::function<std::string()>;

    explicit ScriptedPeer(std::vector<std::string> answers)
    {
        for (auto& text : answers) then(std::move(text));
    }

    ScriptedPeer& then(std::string text)
    {
        answers_.push_back([text = std::move(text)] { return text; });
        return *this;
    }
    ScriptedPeer& then(Answer answer)
    {
        answers_.push_back(std::move(answer));
        return *this;
    }

    void say(const Reply& reply) override { said_.push_back(reply); }

    boost::asio::awaitable<Secret> answer(Patience patience) override
    {
        patiences_.push_back(patience);
        if (answers_.empty()) throw login::PeerLeft();
        const auto next = std::exchange(answers_.front(), nullptr);
        answers_.pop_front();
        co_return Secret::copy_of(next());
    }

    void logged_in() override { logged_in_ = true; }
    [[nodiscard]] const auth::Source& source() const override { return source_; }
    [[nodiscard]] const std::optional<auth::DeviceFingerprint>& device() const override { return device_; }
    [[nodiscard]] std::uint64_t connection() const override { return 7; }

    /// From now on it comes from this address.
    void come_from(std::string_view address) { source_ = auth::Source::from_address(address); }
    /// From now on it comes from this device.
    void show(const auth::DeviceFingerprint& device) { device_ = device; }

    [[nodiscard]] const std::vector<Reply>& said() const { return said_; }
    [[nodiscard]] const std::vector<Patience>& patiences() const { return patiences_; }
    [[nodiscard]] bool was_logged_in() const { return logged_in_; }

    /// The three digits of all that was said, in order.
    [[nodiscard]] std::vector<int> codes() const
    {
        std::vector<int> codes;
        for (const auto& reply : said_) codes.push_back(reply.code);
        return codes;
    }

  private:
    std::deque<Answer> answers_;
    std::vector<Reply> said_;
    std::vector<Patience> patiences_;
    bool logged_in_ = false;
    std::optional<auth::DeviceFingerprint> device_;
    auth::Source source_ = auth::Source::from_address("192.0.2.7");
};

}  // namespace securelogin::support
