// The scores of a Unigram model in a tokenizer.json.
#ifndef BRAID_SRC_CONVERT_PIECE_SCORE_H_
#define BRAID_SRC_CONVERT_PIECE_SCORE_H_

namespace braid::convert {

// What `tokenizers` 0.23.3 takes a score for that is written in the fewest
// digits that tell it from other doubles, as programs write them. Its reader
// rounds twice, the digits as a whole number and that over a power of ten, so
// that about a quarter of all scores are off by one unit in the last place.
// Ways to cut a text that are equal but for the order of their sums, as of
// "jjjjj" into pairs, then differ. `score` is finite.
double ScoreAsRead(double score);

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_PIECE_SCORE_H_
