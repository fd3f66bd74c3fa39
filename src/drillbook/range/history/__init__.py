"""The booking app's past and its possible futures: releases and changes, as patches."""
