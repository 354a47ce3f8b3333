# Writes a small data set in IDX form into the folder ARGV[0]: 28 x 28 grey
# pictures of ten kinds of bars, with noise from a fixed generator, so that
# tests of the command need no download. ARGV[1], ARGV[2]: pictures of the
# training and test split.
use strict;
use warnings;
my ($folder, $n_train, $n_test) = @ARGV;
my $state = 12345;
sub noise { $state = ($state * 1103515245 + 12345) % 2147483648; return ($state >> 16) % 60; }
sub split_of {
    my ($name, $n) = @_;
    my ($pixels, $labels) = ('', '');
    for my $i (0 .. $n - 1) {
        my $class = ($i * 7) % 10;
        my @rows = map { [map { noise() } 1 .. 28] } 1 .. 28;
        for my $k (0 .. 27) {
            for my $wide (0 .. 2) {
                my $at = 2 + 5 * ($class % 5) + $wide;
                if ($class < 5) { $rows[$at][$k] += 190; } else { $rows[$k][$at] += 190; }
            }
        }
        $pixels .= pack('C*', @$_) for @rows;
        $labels .= chr($class);
    }
    open my $f, '>:raw', "$folder/$name-images-idx3-ubyte" or die $!;
    print $f pack('N4', 2051, $n, 28, 28), $pixels;
    close $f;
    open $f, '>:raw', "$folder/$name-labels-idx1-ubyte" or die $!;
    print $f pack('N2', 2049, $n), $labels;
    close $f;
}
split_of('train', $n_train);
split_of('t10k', $n_test);
