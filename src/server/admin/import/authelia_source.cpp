// Authelia's file of users, read event by event: no more of it is in memory than one user.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <array>
#include <istream>
#include <streambuf>
#include <string>
#include <utility>

#include "server/admin/failure.hpp"
#include "server/admin/import/row_sources.hpp"

namespace securelogin::admin {
namespace {

/// What yaml-cpp reads from.
class InputBuffer final : public std::streambuf {
  public:
    explicit InputBuffer(TextInput& input) : input_(input) {}

  protected:
    int_type underflow() override
    {
        std::size_t filled = 0;
        for (int octet = 0; filled < octets_.size() && (octet = input_.get()) != TextInput::kEnd;) {
            octets_.at(filled++) = static_cast<char>(octet);
        }
        if (filled == 0) return traits_type::eof();
        setg(octets_.data(), octets_.data(), octets_.data() + filled);
        return traits_type::to_int_type(octets_.front());
    }

  private:
    TextInput& input_;
    std::array<char, 4096> octets_{};  // more than one: yaml-cpp puts back what is no byte order mark
};

/// The document is a map; `users` in it is a map; each of its values is a user, a map with `password` and
/// `disabled` among others.  Whatever else there is, is passed over.
class Users final : public YAML::EventHandler {
  public:
    Users(const TextInput& input, const RowSource::Visit& visit) : input_(input), visit_(visit) {}

    [[nodiscard]] bool found() const noexcept { return found_; }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { scalar(mark, ""); }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override
    {
        if (depth_ == kInUser && row_) row_->fault = "it has an alias, which is not followed";
        scalar(mark, "");
    }
    void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  const std::string& value) override
    {
        scalar(mark, value);
    }
    void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                         YAML::EmitterStyle::value) override
    {
        start(false);
    }
    void OnSequenceEnd() override { end(); }
    void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override
    {
        start(true);
    }
    void OnMapEnd() override { end(); }

  private:
    /// How many maps deep we are on the way to a user; deeper ones are counted in elsewhere_.
    enum Depth { kOutside, kInDocument, kInUsers, kInUser };

    void scalar(const YAML::Mark& mark, const std::string& value)
    {
        if (elsewhere_ > 0 || depth_ == kOutside) return;
        if (!std::exchange(expects_value_, !expects_value_)) {
            key_ = value;
            if (depth_ == kInUsers) start_user(mark);
            return;
        }
        if (depth_ == kInUsers) finish_user("it is not a map");
        if (depth_ != kInUser || !row_) return;
        if (key_ == "password") row_->password_hash = value;
        if (key_ == "disabled" && value != "false") row_->left_out = "it is disabled";
    }

    void start(bool map)
    {
        const bool on_the_way =
            elsewhere_ == 0 && map && (depth_ == kOutside || (expects_value_ && is_way(depth_)));
        expects_value_ = false;
        if (!on_the_way) {
            ++elsewhere_;
            return;
        }
        depth_ = static_cast<Depth>(depth_ + 1);
        found_ = found_ || depth_ == kInUsers;
    }

    [[nodiscard]] bool is_way(Depth depth) const
    {
        return (depth == kInDocument && key_ == "users") || depth == kInUsers;
    }

    void end()
    {
        expects_value_ = false;
        if (elsewhere_ > 0) {
            --elsewhere_;
            if (elsewhere_ == 0 && depth_ == kInUsers) finish_user("it is not a map");
            return;
        }
        if (depth_ == kInUser) finish_user("");
        depth_ = static_cast<Depth>(depth_ - 1);
    }

    void start_user(const YAML::Mark& mark)
    {
        row_.emplace();
        row_->name = key_;
        row_->number = static_cast<std::uint64_t>(mark.line) + 1;
    }

    void finish_user(const std::string& fault)
    {
        if (!row_) return;
        row_->position = input_.position();
        if (!fault.empty()) row_->fault = fault;
        if (!row_->fault && row_->password_hash.empty()) row_->fault = "it has no password";
        auto row = std::exchange(row_, std::nullopt);
        visit_(*std::move(row));
    }

    const TextInput& input_;
    const RowSource::Visit& visit_;
    Depth depth_ = kOutside;
    int elsewhere_ = 0;           // collections deep, off the way
    bool expects_value_ = false;  // of key_, in the map that we are in
    bool found_ = false;
    std::string key_ = {};
    std::optional<ImportRow> row_ = {};
};

class AutheliaSource final : public RowSource {
  public:
    explicit AutheliaSource(TextInput input) : input_(std::move(input)) {}

    void read(const Visit& visit) override
    try {
        InputBuffer buffer(input_);
        std::istream stream(&buffer);
        YAML::Parser parser(stream);
        Users users(input_, visit);
        parser.HandleNextDocument(users);
        if (!users.found())
            throw Failure(ExitCode::refused, "reading Authelia's users: there is no map `users`");
    } catch (const YAML::Exception& error) {
        throw Failure(ExitCode::refused, "reading Authelia's users: line " +
                                             std::to_string(error.mark.line + 1) +
                                             ": it is not YAML: " + error.msg);
    }
    [[nodiscard]] std::uint64_t size() const noexcept override { return input_.size(); }

  private:
    TextInput input_;
};

}  // namespace

std::unique_ptr<RowSource> make_authelia_source(TextInput input)
{
    return std::make_unique<AutheliaSource>(std::move(input));
}

}  // namespace securelogin::admin
