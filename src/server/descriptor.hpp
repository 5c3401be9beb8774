// descriptor.hpp: a file descriptor that is closed with its owner.
#pragma once

#include <unistd.h>

#include <utility>

namespace securelogin {

class Descriptor {
  public:
    Descriptor() noexcept = default;
    explicit Descriptor(int number) noexcept : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, kNone)) {}
    Descriptor& operator=(Descriptor&& other) noexcept
    {
        if (this != &other) {
            close();
            number_ = std::exchange(other.number_, kNone);
        }
        return *this;
    }
    ~Descriptor() { close(); }

    [[nodiscard]] int get() const noexcept { return number_; }
    [[nodiscard]] bool is_open() const noexcept { return number_ >= 0; }
    void close() noexcept
    {
        if (is_open()) ::close(std::exchange(number_, kNone));
    }

  private:
    static constexpr int kNone = -1;
    int number_ = kNone;
};

}  // namespace securelogin
