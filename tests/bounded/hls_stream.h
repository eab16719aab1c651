// Streams that hold no more than they are told, between threads: in place of the vendor's, which hold anything.
//
// When every thread that is left waits, none will ever go on: the process says so and ends.
#ifndef X_HLS_STREAM_SIM_H
#define X_HLS_STREAM_SIM_H

#include <condition_variable>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>

namespace bounded {

constexpr int kLocked = 3;
inline std::mutex& everything() {
  static std::mutex mutex;
  return mutex;
}
inline int& running() {
  static int threads = 0;
  return threads;
}
inline int& waiting() {
  static int threads = 0;
  return threads;
}

inline void end_if_locked() {
  if (running() > 0 && waiting() == running()) {
    std::puts("locked");
    std::fflush(stdout);
    std::_Exit(kLocked);
  }
}

inline void leave() {
  std::lock_guard<std::mutex> lock(everything());
  --running();
  end_if_locked();
}

}  // namespace bounded

namespace hls {

template <class T>
class stream {
 public:
  stream() {}
  explicit stream(const char*) {}
  void limit(std::size_t depth) { depth_ = depth; }
  bool empty() {
    std::lock_guard<std::mutex> lock(bounded::everything());
    return words_.empty();
  }
  T read() {
    std::unique_lock<std::mutex> lock(bounded::everything());
    while (words_.empty()) wait(lock);
    const T word = words_.front();
    words_.pop_front();
    wake();
    return word;
  }
  void write(const T& word) {
    std::unique_lock<std::mutex> lock(bounded::everything());
    while (depth_ > 0 && words_.size() >= depth_) wait(lock);
    words_.push_back(word);
    wake();
  }

 private:
  // Who is woken no longer counts as waiting, though it has yet to run.
  void wait(std::unique_lock<std::mutex>& lock) {
    const unsigned long change = changes_;
    ++waiters_;
    ++bounded::waiting();
    bounded::end_if_locked();
    changed_.wait(lock, [&] { return changes_ != change; });
  }
  void wake() {
    ++changes_;
    bounded::waiting() -= waiters_;
    waiters_ = 0;
    changed_.notify_all();
  }

  std::deque<T> words_;
  std::size_t depth_ = 0;  // 0: no limit.
  std::condition_variable changed_;
  unsigned long changes_ = 0;
  int waiters_ = 0;
};

}  // namespace hls

#endif
