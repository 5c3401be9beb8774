#include <utility>

#include "server/admin/import/row_sources.hpp"

namespace securelogin::admin {
namespace {

class DatabaseSource final : public RowSource {
  public:
    DatabaseSource(store::ForeignUsers users, store::ForeignKind kind)
        : users_(std::move(users)), kind_(kind), size_(users_.count(kind))
    {
    }

    void read(const Visit& visit) override
    {
        std::uint64_t position = 0;
        users_.for_each(kind_, [&](store::ForeignUser user) {
            auto row = make_row(user);
            row.number = user.row;
            row.position = ++position;
            if (user.credential) wipe(*user.credential);
            visit(std::move(row));
        });
    }
    [[nodiscard]] std::uint64_t size() const noexcept override { return size_; }
    [[nodiscard]] std::string_view unit() const noexcept override { return "row"; }

  private:
    [[nodiscard]] ImportRow make_row(const store::ForeignUser& user) const
    {
        const bool socket = kind_ == store::ForeignKind::socket;
        ImportRow row;
        if (user.name) row.name = *user.name;
        if (!user.name) row.fault = "it has no user name";
        if (!user.credential || user.credential->empty()) {
            row.fault = socket ? "it has no password" : "it has no otp_secret";
        } else {
            (socket ? row.password_hash : row.totp_base32) = *user.credential;
        }
        return row;
    }

    store::ForeignUsers users_;
    const store::ForeignKind kind_;
    const std::uint64_t size_;
};

}  // namespace

std::unique_ptr<RowSource> make_database_source(store::ForeignUsers users, store::ForeignKind kind)
{
    return std::make_unique<DatabaseSource>(std::move(users), kind);
}

}  // namespace securelogin::admin
