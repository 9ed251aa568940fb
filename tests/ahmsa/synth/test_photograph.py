import numpy as np
from skimage.data import astronaut

from ahmsa.synth.photograph import photograph


def test_it_is_the_picture_that_scikit_image_ships():
    assert np.array_equal(photograph(), astronaut()[..., ::-1])
